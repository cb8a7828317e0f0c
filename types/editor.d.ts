// The part of the editor's API (Node-RED 4.1 and 5) that our dialogs use. @types/node-red__editor-client 1.3 knows
// neither `label`, nor validators that return a reason, nor half of the typed inputs.

interface EditorNode {
  id: string;
  type: string;
  name: string;
  z: string;
  _(key: string, values?: Record<string, unknown>): string;
  // Own properties of each type.
  // biome-ignore lint/suspicious/noExplicitAny: the editor keeps them untyped
  [property: string]: any;
}

interface EditorProperty {
  value: unknown;
  required?: boolean;
  label?: string;
  /** Id of the node that this property points to. */
  type?: string;
  validate?(this: EditorNode, value: unknown, options: { label?: string }): boolean | string;
}

interface EditorDefinition {
  category: string;
  color?: string;
  defaults: Record<string, EditorProperty>;
  credentials?: Record<string, { type: "text" | "password" }>;
  inputs?: number;
  outputs?: number;
  icon?: string;
  align?: "left" | "right";
  paletteLabel?: string;
  inputLabels?: string | ((this: EditorNode, index: number) => string);
  outputLabels?: string | ((this: EditorNode, index: number) => string);
  label?: string | ((this: EditorNode) => string);
  labelStyle?: string | ((this: EditorNode) => string);
  /** Dropped from the palette; not when it is imported or copied. */
  onadd?(this: EditorNode): void;
  oneditprepare?(this: EditorNode): void;
  oneditsave?(this: EditorNode): void;
  oneditcancel?(this: EditorNode): void;
  oneditresize?(this: EditorNode, size: { width: number; height: number }): void;
}

interface TypedInputOptions {
  type?: string;
  types?: (string | { value: string; label?: string; icon?: string; hasValue?: boolean; options?: unknown[] })[];
  default?: string;
  typeField?: string | JQuery;
}

interface EditableListOptions<Row> {
  /** Fills the container of a new row; rows that the user adds come as `{}`. */
  addItem(container: JQuery, index: number, row: Row): void;
  addButton?: boolean | string;
  sortable?: boolean;
  removable?: boolean;
  height?: number | "auto";
}

interface JQuery {
  editableList<Row>(options: EditableListOptions<Row>): this;
  /** The containers' list items, in their order; the row is their `data("data")`. */
  editableList(method: "items"): JQuery;
  editableList(method: "addItem", row: unknown): this;
  editableList(method: "empty"): this;
  editableList(method: "height", height: number): this;
  typedInput(options: TypedInputOptions): this;
  typedInput(method: "value" | "type"): string;
  typedInput(method: "value" | "type" | "types", value: unknown): this;
}

declare const RED: {
  nodes: {
    registerType(type: string, definition: EditorDefinition): void;
    node(id: string): EditorNode | null;
    filterNodes(filter: { type?: string; z?: string }): EditorNode[];
    eachNode(visit: (node: EditorNode) => void): void;
    eachConfig(visit: (node: EditorNode) => void): void;
  };
  editor: {
    /** Opens the dialog of a config node on top; `_ADD_` as id: of a new one. */
    editConfig(property: string, type: string, id: string, prefix?: string | null): void;
  };
  events: {
    on(event: string, listener: (node: EditorNode) => void): void;
    off(event: string, listener: (node: EditorNode) => void): void;
    emit(event: string, node: EditorNode): void;
  };
  i18n: { lang(): string };
  utils: { getNodeLabel(node: EditorNode, fallback: string): string };
  settings: { get(key: string, fallback?: unknown): unknown; httpNodeRoot?: string };
  _(key: string, values?: Record<string, unknown>): string;
};
