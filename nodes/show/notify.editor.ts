import { message } from "../editor/message.ts";
import { countUsers } from "../editor/users.ts";

const CHANNEL = "vigia-channel";

const labelOf = (channel: EditorNode) => RED.utils.getNodeLabel(channel, channel.id);

/** Ids of a saved or typed value; one that was deleted leaves an empty text. */
const idsOf = (value: unknown): string[] => [value ?? []].flat().filter((id) => id !== "") as string[];

/** Those that a node on this tab may use. */
function channelsFor(node: EditorNode): EditorNode[] {
  const found: EditorNode[] = [];
  RED.nodes.eachConfig((channel) => {
    if (channel.type === CHANNEL && (!channel.z || channel.z === node.z)) found.push(channel);
  });
  return found.sort((a, b) => labelOf(a).localeCompare(labelOf(b)));
}

/** A list in which a click chooses one more, or one less; the chosen ones first, in their order. */
function channelList(node: EditorNode): void {
  const select = $("#node-input-channels");
  const links = $("#vigia-notify-edit");
  const chosen = () => idsOf(select.val());

  function fill(ids: string[]): void {
    const known = channelsFor(node);
    const others = known.filter(({ id }) => !ids.includes(id)).map(({ id }) => id);
    select.empty();
    for (const id of [...ids, ...others]) {
      const channel = known.find((one) => one.id === id);
      const text = channel ? labelOf(channel) : node._("notify.missing", { id });
      $("<option>").val(id).text(text).prop("selected", ids.includes(id)).appendTo(select);
    }
    select.trigger("change");
  }

  function showLinks(): void {
    const known = channelsFor(node);
    links.empty();
    for (const id of chosen()) {
      const channel = known.find((one) => one.id === id);
      if (!channel) continue;
      $(
        '<button type="button" class="red-ui-button" style="margin-left:6px"><i class="fa fa-pencil"></i> <span></span></button>',
      )
        .on("click", () => RED.editor.editConfig("", CHANNEL, id, null))
        .appendTo(links)
        .find("span")
        .text(labelOf(channel));
    }
  }

  // With a plain click, as in a list of boxes to tick; elsewhere the browser has its own way.
  select.on("mousedown", "option", (event) => {
    event.preventDefault();
    const option = event.currentTarget as HTMLOptionElement;
    option.selected = !option.selected;
    select.trigger("focus").trigger("change");
  });
  select.on("change", showLinks);
  $("#vigia-notify-add").on("click", () => RED.editor.editConfig("", CHANNEL, "_ADD_", null));

  const saved = idsOf(node.channels);
  const [only, ...more] = channelsFor(node);
  fill(saved.length === 0 && only && more.length === 0 ? [only.id] : saved);

  const added = ({ id, type }: EditorNode) => type === CHANNEL && fill([...chosen(), id]);
  const changed = ({ type }: EditorNode) => type === CHANNEL && fill(chosen());
  const removed = ({ id, type }: EditorNode) => type === CHANNEL && fill(chosen().filter((one) => one !== id));
  const events = { "nodes:add": added, "nodes:change": changed, "nodes:remove": removed };
  for (const [event, listener] of Object.entries(events)) RED.events.on(event, listener);
  stopListening = () => {
    for (const [event, listener] of Object.entries(events)) RED.events.off(event, listener);
  };
}

/** One dialog of this type is open at a time. */
let stopListening = () => {};

RED.nodes.registerType("vigia-notify", {
  category: "vigia",
  color: "#3FADB5",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    channels: {
      value: [],
      type: "vigia-channel[]",
      label: RED._("@vigia/node-red/notify:notify.channels"),
      validate(value, options) {
        const ids = idsOf(value);
        if (ids.length > 0 && ids.every((id) => RED.nodes.node(id))) return true;
        const key = ids.length === 0 ? "notify.invalid.none" : "notify.invalid.missing";
        return `${options.label ? `${options.label}: ` : ""}${this._(key)}`;
      },
    },
    severity: { value: "all" },
    title: { value: "", label: RED._("@vigia/node-red/notify:notify.title"), validate: message() },
    text: { value: "", label: RED._("@vigia/node-red/notify:notify.text"), validate: message() },
  },
  inputs: 1,
  outputs: 2,
  icon: "vigia-notify.svg",
  align: "right",
  paletteLabel: "notify",
  outputLabels(index) {
    return this._(index === 0 ? "notify.out-delivered" : "notify.out-failed");
  },
  label() {
    return this.name || this._("notify.label");
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    channelList(this);
  },
  oneditsave() {
    stopListening();
    // Set here, since Node-RED would take the list for one id, and count users by that.
    this.channels = idsOf($("#node-input-channels").val());
  },
  oneditcancel() {
    stopListening();
  },
});

countUsers("vigia-notify", "channels", CHANNEL);
