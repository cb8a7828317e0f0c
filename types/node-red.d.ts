// What @types/node-red 1.3 does not know of Node-RED 4.1 and 5, each as the runtime does it.
import "@node-red/registry";

declare module "@node-red/registry" {
  interface NodeAPI {
    /** Text of the set's catalogue; `__name__` is replaced. */
    _(key: string, values?: Record<string, unknown>): string;
  }
}
