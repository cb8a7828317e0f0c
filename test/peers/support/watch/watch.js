// A Node-RED module of the tests: tells the parent process what a user sees, and hands messages to nodes for it.
import { Ledger } from "../../../../dist/lib/mqtt/ledger.js";

const tell = (what, then) => process.connected && process.send(what, then);

/** Messages of `ackWhen: "stored"`, counted where they are taken and where they are settled. */
const counters = { taken: 0, outstanding: 0, maxOutstanding: 0, unacknowledged: 0, rebound: 0 };
/** Messages after which this process ends as by a power cut, with the newest ones not stored yet. */
const dieAfter = Number(process.env.TEST_DIE_AFTER ?? Number.POSITIVE_INFINITY);
let ledger;

function tellCounters(then) {
  if (ledger) Object.assign(counters, { unacknowledged: ledger.size, rebound: ledger.rebound });
  tell({ counters }, then);
}

const { take, settle } = Ledger.prototype;
Ledger.prototype.take = function (...message) {
  const held = take.apply(this, message);
  ledger = this;
  if (held === undefined) return held;
  counters.taken++;
  counters.outstanding++;
  counters.maxOutstanding = Math.max(counters.maxOutstanding, counters.outstanding);
  if (counters.taken === dieAfter) tellCounters(() => process.kill(process.pid, "SIGKILL"));
  return held;
};
Ledger.prototype.settle = function (held) {
  counters.outstanding--;
  settle.call(this, held);
};
setInterval(tellCounters, 20).unref();

export default function (RED) {
  RED.events.on("node-status", ({ id, status }) => tell({ status: { id, ...status } }));
  process.on("message", ({ to, msgs }) => {
    for (const msg of msgs) RED.nodes.getNode(to)?.receive(msg);
  });

  /** Tells each message that it gets. */
  function Sink(config) {
    RED.nodes.createNode(this, config);
    this.on("input", ({ topic, payload, timestamp, error, rejected, stored }, _send, done) => {
      tell({ message: { id: this.id, topic, payload, timestamp, error, rejected, stored } });
      done();
    });
  }
  RED.nodes.registerType("test-sink", Sink);
}
