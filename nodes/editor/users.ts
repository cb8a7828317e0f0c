/**
 * Node-RED counts who uses a config node only where one property names one node. This does it for a property that
 * names several (`type: "vigia-channel[]"`, which Node-RED does follow on copies and imports), so that none of them is
 * taken for unused.
 */
export function countUsers(user: string, property: string, config: string): void {
  let due = false;

  function count(): void {
    due = false;
    const nodes = RED.nodes.filterNodes({ type: user });
    RED.nodes.eachConfig((node) => {
      if (node.type !== config) return;
      const before: EditorNode[] = node.users;
      const others = before.filter(({ type }) => type !== user);
      const mine = nodes.filter((one) => [one[property]].flat().includes(node.id));
      if (before.length === others.length + mine.length && mine.every((one) => before.includes(one))) return;
      node.users = [...others, ...mine];
      RED.events.emit("nodes:change", node);
    });
  }

  // Many nodes may come at once, and their config nodes after them.
  const soon = (node: EditorNode) => {
    if (due || (node.type !== user && node.type !== config)) return;
    due = true;
    setTimeout(count);
  };
  for (const event of ["nodes:add", "nodes:change", "nodes:remove"]) RED.events.on(event, soon);
}
