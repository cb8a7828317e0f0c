// Where a Frame may go on a canvas, and what is told where it may not: with the core nodes of the runtime in use.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Frame, FrameBuilder } from "../../lib/points/frame.ts";
import type { Message } from "../../lib/points/reader.ts";
import { SeriesTable } from "../../lib/points/series.ts";
import { deploy, type FlowNode, until, withRuntime } from "./runtime.ts";

withRuntime();

const T = Date.UTC(2026, 0, 1);
const CORE = [
  "common/05-junction",
  "common/60-link",
  "function/10-function",
  "function/10-switch",
  "function/15-change",
  "function/80-template",
  "function/89-delay",
  "function/89-trigger",
  "parsers/70-CSV",
  "parsers/70-JSON",
  "sequence/17-split",
];

/** Without a place it would be taken for a config node. */
const ON_TAB = { z: "tab", x: 100, y: 100 };

const table = new SeriesTable();
const builder = new FrameBuilder();
for (const [series, second, value] of [
  ["a", 0, 1],
  ["b", 1, Number.NaN],
  ["a", 2, 3],
  ["b", 3, 0.1],
] as const) {
  builder.add(table.ref(series, { site: "x" }, "°C"), T + second * 1000, value);
}
const frame: Frame = builder.take();
const points = [...frame];

/** A node on the way; where no wires are given, it is wired to the end of the way. */
type Step = { type: string; id?: string } & Record<string, unknown>;

let windows = 0;

/**
 * start → the steps → out and a window; errors go to a catch node. The first step is wired to the start; of several
 * only the last is wired to the end.
 */
async function way(steps: Step[]) {
  // Each time another one: the state of a window outlives its flow.
  const window = `window${++windows}`;
  const last = ["out", window];
  const first = steps[0] ? (steps[0].id ?? "s0") : undefined;
  const nodes = steps.map((step, n): FlowNode => ({ id: `s${n}`, ...ON_TAB, wires: [last], ...step }));
  const flow: FlowNode[] = [
    { id: "tab", type: "tab" },
    { id: "start", type: "helper", ...ON_TAB, wires: [first ? [first] : last] },
    ...nodes,
    { id: "out", type: "helper", ...ON_TAB },
    { id: window, type: "vigia-window", ...ON_TAB, every: "1m", aggregates: "count", wires: [["counts"], []] },
    { id: "counts", type: "helper", ...ON_TAB },
    { id: "catch", type: "catch", ...ON_TAB, wires: [["caught"]] },
    { id: "caught", type: "helper", ...ON_TAB },
  ];
  const { node, inject, collect } = await deploy(flow, {}, { core: CORE });
  const out = collect("out");
  const caught = collect("caught");
  const counts = collect("counts");
  node("start").send({ payload: frame, topic: "t" } as never);
  return {
    out,
    /** What the window counted a series. */
    async counted() {
      assert.equal(await inject(window, { control: "flush" }), undefined);
      await until(() => counts.length > 0, "counts");
      return Object.fromEntries(counts.map(({ topic, payload }) => [topic, payload]));
    },
    caught: caught as (Message & { error: { message: string; code?: string; source: { type: string } } })[],
  };
}

const change = (...rules: object[]): Step => ({ type: "change", rules });
const func = (code: string): Step => ({
  type: "function",
  func: code,
  outputs: 1,
  libs: [],
});
const set = (p: string, to: string, more: object = {}) => ({ t: "set", p, pt: "msg", to, tot: "msg", ...more });
const context = (scope: string) =>
  change(
    { t: "set", p: "kept", pt: scope, to: "payload", tot: "msg" },
    { t: "delete", p: "payload", pt: "msg" },
    set("payload", "kept", { tot: scope }),
  );

const survives: Record<string, Step[]> = {
  "a wire": [],
  "a junction": [{ type: "junction" }],
  "link out and link in": [
    { type: "link out", mode: "link", links: ["in"], wires: [] },
    { type: "link in", id: "in", links: ["s0"] },
  ],
  "a link call": [
    { type: "link call", links: ["in"], timeout: "5", linkType: "static" },
    { type: "link in", id: "in", links: ["s0"], wires: [["back"]] },
    { type: "link out", id: "back", mode: "return", links: [], wires: [] },
  ],
  "a subflow": [
    { type: "subflow:sub" },
    {
      type: "subflow",
      id: "sub",
      z: undefined,
      in: [{ wires: [{ id: "inside" }] }],
      out: [{ wires: [{ id: "inside", port: 0 }] }],
    },
    { ...change(set("passed", "yes", { tot: "str" })), id: "inside", z: "sub", wires: [[]] },
  ],
  "flow context": [context("flow")],
  "global context": [context("global")],
  "change: set and move": [
    change(set("kpis", "payload"), { t: "move", p: "kpis", pt: "msg", to: "payload", tot: "msg" }),
  ],
  "a delay": [{ type: "delay", pauseType: "delay", timeout: "1", timeoutUnits: "milliseconds" }],
  "a switch": [{ type: "switch", property: "topic", propertyType: "msg", rules: [{ t: "eq", v: "t", vt: "str" }] }],
  "a function that hands its message on": [func("return msg;")],
  "a function that sends another message": [func("node.send({ payload: msg.payload });")],
};

for (const [name, steps] of Object.entries(survives)) {
  test(`a Frame goes through ${name} as it is`, async () => {
    const { out, caught, counted } = await way(
      steps.map(({ ...step }) => (step.z === undefined && "z" in step ? drop(step, "z") : step)),
    );
    await until(() => out.length === 1, "the message");
    assert.equal(out[0]!.payload, frame);
    assert.deepEqual([...(out[0]!.payload as Frame)], points);
    assert.deepEqual(await counted(), { a: 2, b: 1 });
    assert.deepEqual(caught, []);
  });
}

/** The same step without a property that must not be there at all. */
function drop(step: Step, property: string): Step {
  const { [property]: _, ...rest } = step;
  return rest as Step;
}

test("a Frame goes down three wires as one and the same", async () => {
  const names = ["one", "two", "three"];
  const { node, collect } = await deploy([
    { id: "start", type: "helper", wires: [names] },
    ...names.map((id) => ({ id, type: "helper" })),
  ]);
  const got = names.map(collect);
  const sent = { payload: frame, tags: { own: "copy" } };
  node("start").send(sent as never);
  await until(() => got.every((messages) => messages.length === 1), "three messages");
  const messages = got.map(([msg]) => msg!);
  for (const { payload } of messages) assert.equal(payload, frame);
  assert.equal(new Set(messages).size, 3, "each wire has a message of its own");
  assert.equal(new Set(messages.map(({ tags }) => tags)).size, 3);
  assert.deepEqual([...frame], points);
});

const breaks: Record<string, { steps: Step[]; says: RegExp; messages?: number; code?: string }> = {
  "change with a deep copy": {
    steps: [change(set("payload", "payload", { dc: true }))],
    says: /empty object.*deep-copied.*change node with deep copy/,
  },
  "JSONata $clone": {
    steps: [change(set("payload", "$clone(payload)", { tot: "jsonata" }))],
    says: /empty object.*\$clone/,
  },
  "a trigger that sends the original payload": {
    steps: [
      {
        type: "trigger",
        op1type: "nul",
        op2type: "pay",
        op1: "",
        op2: "",
        duration: "1",
        extend: false,
        units: "ms",
        reset: "",
        bytopic: "all",
        outputs: 1,
      },
    ],
    says: /empty object.*trigger's original payload/,
  },
  "a split": {
    steps: [
      { type: "split", splt: "\\n", spltType: "str", arraySplt: 1, arraySpltType: "len", stream: false, addname: "" },
    ],
    says: /one part of a Frame: a split node|empty object/,
    messages: 5,
  },
  "a template": {
    steps: [
      {
        type: "template",
        field: "payload",
        fieldType: "msg",
        format: "handlebars",
        syntax: "mustache",
        template: "{{payload}}",
        output: "str",
      },
    ],
    says: /text "\[object Frame\]".*template/,
  },
  "{...frame} in a function": {
    steps: [func("msg.payload = { ...msg.payload }; return msg;")],
    says: /taken apart \(\{\.\.\.frame\}/,
  },
  "a text in a function": {
    steps: [func("msg.payload = String(msg.payload); return msg;")],
    says: /text "\[object Frame\]"/,
  },
};

for (const [name, { steps, says, messages = 1 }] of Object.entries(breaks)) {
  test(`a Frame that ${name} broke arrives as the error that says so`, async () => {
    const { caught } = await way(steps);
    await until(() => caught.length === messages, `${messages} errors`);
    for (const { error } of caught) {
      assert.equal(error.source.type, "vigia-window");
      assert.equal(error.code, "frame-lost");
      assert.match(error.message, says);
      assert.match(error.message, /switch `batched` off|Array\.from\(frame\)/, "says what to do");
    }
  });
}

test("what a csv node or a JSONata map makes of a Frame is an error and no points", async () => {
  const csv = {
    type: "csv",
    sep: ",",
    hdrin: "",
    hdrout: "none",
    multi: "one",
    ret: "\\n",
    temp: "",
    skip: "0",
    strings: true,
  };
  for (const [step, code] of [
    [csv, "bad-value"],
    [{ ...csv, hdrout: "all" }, "frame-lost"],
    [{ ...csv, temp: "series,time,value" }, "bad-value"],
    [change(set("payload", "$map(payload, function($p) { $p.value })", { tot: "jsonata" })), "bad-value"],
  ] as const) {
    const { caught, out } = await way([step]);
    await until(() => caught.length > 0, "an error");
    assert.equal(caught[0]!.error.code, code, `${JSON.stringify(out[0]?.payload)}: ${caught[0]!.error.message}`);
    const { message } = caught[0]!.error;
    assert.match(
      message,
      code === "frame-lost" ? /Frame.*csv/ : /msg\.payload is .*allowed: .*an array of Points or a Frame/,
    );
  }
});

const works: Record<string, Step[]> = {
  "two JSON nodes": [
    { type: "json", property: "payload", action: "", pretty: false, wires: [["again"]] },
    { type: "json", id: "again", property: "payload", action: "", pretty: false },
  ],
  "Array.from in a function": [func("msg.payload = Array.from(msg.payload); return msg;")],
  "a deep copy of its points": [
    { ...func("msg.payload = Array.from(msg.payload); return msg;"), wires: [["copy"]] },
    { ...change(set("payload", "payload", { dc: true })), id: "copy" },
  ],
  "a split of its points": [
    { ...func("msg.payload = Array.from(msg.payload); return msg;"), wires: [["split"]] },
    {
      type: "split",
      id: "split",
      splt: "\\n",
      spltType: "str",
      arraySplt: 1,
      arraySpltType: "len",
      stream: false,
      addname: "",
    },
  ],
  "a function that sends each point": [func("for (const point of msg.payload) node.send({ payload: point });")],
};

for (const [name, steps] of Object.entries(works)) {
  test(`the points of a Frame come through ${name}`, async () => {
    const { out, caught, counted } = await way(steps);
    await until(() => out.length > 0 && out.flatMap(({ payload }) => payload).length === points.length, "all points");
    assert.deepEqual(JSON.parse(JSON.stringify(out.flatMap(({ payload }) => payload))), points);
    assert.deepEqual(await counted(), { a: 2, b: 1 });
    assert.deepEqual(caught, []);
  });
}
