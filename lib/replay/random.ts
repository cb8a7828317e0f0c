// Random numbers that depend on nothing but where they are asked for: any of them can be had without those before it,
// and they are the same on every machine. Source: MurmurHash3 (Appleby, public domain), 32 bit.

/** A hash of `seed` and one more number (taken as an unsigned 53-bit integer). */
export function mix(seed: number, value: number): number {
  let h = round(seed | 0, value | 0);
  h = round(h, Math.floor(value / 2 ** 32) | 0);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function round(h: number, k: number): number {
  k = Math.imul(k, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  h ^= k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

export function mixText(seed: number, text: string): number {
  for (let i = 0; i < text.length; i++) seed = round(seed, text.charCodeAt(i));
  return mix(seed, text.length);
}

/** Uniform between 0 and 1, both exclusive. */
export function uniform(seed: number, value: number): number {
  return (mix(seed, value) + 0.5) / 2 ** 32;
}

/** Standard normal. Source: Box and Muller 1958. */
export function gaussian(seed: number, value: number): number {
  const radius = Math.sqrt(-2 * Math.log(uniform(seed, value)));
  return radius * Math.cos(2 * Math.PI * uniform(~seed, value));
}
