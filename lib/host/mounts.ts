/** A mounted file system with space of its own. */
export interface Mount {
  path: string;
  /** Its server may be away for good. */
  remote: boolean;
}

const REMOTE = new Set(["9p", "afs", "beegfs", "ceph", "cifs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"]);
const REMOTE_FUSE = /^fuse\.(?:sshfs|glusterfs|s3fs|rclone|davfs|curlftpfs|cephfs|ceph-fuse|mfs|juicefs)/;
/** They have space of their own, and a source that is no path in /dev. */
const LOCAL = new Set(["zfs", "ubifs", "jffs2", "yaffs2", "virtiofs"]);
/** Always full, by nature. */
const READ_ONLY = new Set(["squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"]);
/** Files that a container engine puts there, and layers of containers. */
const NOT_A_DISK =
  /^\/(?:etc\/(?:hosts|hostname|resolv\.conf)|dev|proc|sys|var\/lib\/(?:docker|containers|kubelet|containerd)|snap)(?:\/|$)/;

/** Space, tab, newline and backslash come as octal numbers. */
function readPath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}

/**
 * Real file systems of /proc/mounts. `/` is always one of them: in a container it is an overlay, whose numbers are
 * those of the disk below. Mounts of one source (bind mounts, subvolumes) share their space: the first stands for all.
 */
export function parseMounts(text: string): Mount[] {
  const found = new Map<string, Mount>();
  for (const line of text.split("\n")) {
    const [source, escaped, type] = line.split(" ");
    if (source === undefined || escaped === undefined || type === undefined || type === "rootfs") continue;
    const path = readPath(escaped);
    const remote = REMOTE.has(type) || REMOTE_FUSE.test(type);
    const real = remote || LOCAL.has(type) || source.startsWith("/dev/");
    if (path !== "/" && (!real || READ_ONLY.has(type) || NOT_A_DISK.test(path))) continue;
    // Mounted over: what was at this path before cannot be reached any more.
    for (const [other, mount] of found) if (mount.path === path) found.delete(other);
    if (!found.has(source)) found.set(source, { path, remote });
  }
  return [...found.values()];
}
