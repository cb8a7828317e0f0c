/** Takes MQTT messages into a store until it is killed or told to end. Run by mqtt-kill.test.ts. */
import { createDecoder } from "../../lib/codecs/decoder.ts";
import { Subscriber } from "../../lib/mqtt/subscriber.ts";
import { openStore } from "../../lib/store/open.ts";
import { realClock } from "../lib/mqtt/helpers.ts";

const [, , url, file, version, limit] = process.argv;
const store = await openStore({ file: file!, commitEvery: 50 });
const subscriber = new Subscriber(
  {
    url: url!,
    clientId: "kill-test",
    protocolVersion: version === "5" ? 5 : 4,
    topics: [{ filter: "kill/#", qos: 1 }],
    ackWhen: "stored",
    store,
    maxOutstanding: Number(limit),
    retry: { first: 20, longest: 200 },
  },
  realClock,
  createDecoder({}, realClock),
  {
    onFrame: () => {},
    onRejected: ({ error }) => console.error(error.message),
    onStoreTrouble: (error) => console.error(error?.message ?? "the store takes again"),
  },
);

/** What the parent wants to know, one JSON line every 20 ms. */
const reporting = setInterval(() => {
  const { points, outstanding, maxOutstanding, rebound } = subscriber.stats;
  console.log(JSON.stringify({ state: subscriber.state.state, points, outstanding, maxOutstanding, rebound }));
}, 20);

process.once("SIGTERM", async () => {
  clearInterval(reporting);
  await subscriber.close();
  await store.close();
});
