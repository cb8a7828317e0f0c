// Nodes of the benches: a source that a bench pulls, a sink that counts, both as bare as a node can be.
module.exports = (RED) => {
  globalThis.vigiaBench ??= { sources: new Map(), sinks: new Map() };
  const { sources, sinks } = globalThis.vigiaBench;
  RED.nodes.registerType("bench-source", function (config) {
    RED.nodes.createNode(this, config);
    sources.set(config.name, this);
  });
  RED.nodes.registerType("bench-sink", function (config) {
    RED.nodes.createNode(this, config);
    const sink = { count: 0, points: 0 };
    sinks.set(config.name, sink);
    this.on("input", (msg, _send, done) => {
      sink.count++;
      sink.points += msg.payload?.length ?? 1;
      done();
    });
  });
};
