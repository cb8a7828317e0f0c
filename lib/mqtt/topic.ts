import { VigiaError } from "../points/error.ts";
import type { Tags } from "../points/series.ts";

/** What a topic says about the points that come under it. */
export interface TopicNames {
  /** Base of the series name; empty when the template turns every segment into a tag or drops it. */
  series: string;
  tags?: Tags;
  /** False: the topic does not fit the template, and its whole text is the series. */
  matched: boolean;
}

export type TopicTemplate = (topic: string) => TopicNames;

/** Topics whose names are kept; past it all are worked out anew. */
const MAX_CACHED = 10_000;
const ALLOWED =
  "segments between /: {name} makes a tag, {_} drops the segment, + takes it into the series, # at the end takes the " +
  'rest, any other text must be there and stays in the series ("{site}/{device}/+")';

type Part = (segment: string, series: string[], tags: Record<string, string>) => boolean;

function compile(segment: string, names: Set<string>): Part | undefined {
  if (segment === "+") return (text, series) => series.push(text) > 0;
  if (segment === "{_}") return () => true;
  const name = /^\{([^{}+#]+)\}$/.exec(segment)?.[1];
  if (name !== undefined) {
    if (names.has(name)) return undefined;
    names.add(name);
    return (text, _series, tags) => {
      tags[name] = text;
      return true;
    };
  }
  if (/[{}+#]/.test(segment)) return undefined;
  return (text, series) => text === segment && series.push(text) > 0;
}

/**
 * How series and tags come out of a topic. `#` alone is the whole topic as series.
 * O(segments) for a new topic, one look-up for a known one; keeps at most 10 000 topics.
 * @throws VigiaError `bad-template` naming `field`
 */
export function topicTemplate(template = "#", field = "template"): TopicTemplate {
  const complain = () => new VigiaError("bad-template", { field, value: template, allowed: ALLOWED });
  if (typeof template !== "string" || template === "") throw complain();
  const segments = template.split("/");
  const rest = segments.at(-1) === "#";
  if (rest) segments.pop();
  const names = new Set<string>();
  const parts = segments.map((segment) => {
    const part = compile(segment, names);
    if (part === undefined) throw complain();
    return part;
  });

  function read(topic: string): TopicNames {
    const given = topic.split("/");
    const fits = rest ? given.length > parts.length : given.length === parts.length;
    const series: string[] = [];
    const tags: Record<string, string> = Object.create(null);
    if (!fits || !parts.every((part, at) => part(given[at]!, series, tags))) return { series: topic, matched: false };
    if (rest) series.push(...given.slice(parts.length));
    const found: TopicNames = { series: series.join("/"), matched: true };
    if (names.size > 0) found.tags = Object.freeze({ ...tags });
    return Object.freeze(found);
  }

  const known = new Map<string, TopicNames>();
  return (topic) => {
    let found = known.get(topic);
    if (found === undefined) {
      found = read(topic);
      if (known.size >= MAX_CACHED) known.clear();
      known.set(topic, found);
    }
    return found;
  };
}

/** @throws VigiaError `bad-filter` naming `field`. Source: MQTT 5.0, 4.7. */
export function checkFilter(filter: unknown, field: string): asserts filter is string {
  const segments = typeof filter === "string" ? filter.split("/") : [];
  const fits =
    typeof filter === "string" &&
    filter !== "" &&
    Buffer.byteLength(filter) <= 65_535 &&
    !filter.includes("\u0000") &&
    segments.every((segment, at) => {
      if (segment === "#") return at === segments.length - 1;
      return segment === "+" || !/[+#]/.test(segment);
    });
  if (fits) return;
  throw new VigiaError("bad-filter", {
    field,
    value: filter,
    allowed: 'a topic, with + for one whole segment and # as the last one ("plant/+/temperature", "plant/#")',
  });
}
