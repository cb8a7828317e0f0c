// Runs inside the editor's page, as `vigia`: what a test asks the editor that no click can tell.
// biome-ignore-all lint/correctness/noUndeclaredVariables: RED is the editor's own

globalThis.vigia = (() => {
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
  const tray = () => [...document.querySelectorAll(".red-ui-tray")].at(-1);
  const all = (selector, within = tray()) => [...within.querySelectorAll(selector)].filter(shown);
  const prefixOf = (node) => (node._def.category === "config" ? "node-config-input" : "node-input");

  // Reasons that the editor hangs on fields, by field.
  const reasons = new WeakMap();
  const watchTooltips = () => {
    const original = RED.popover.tooltip;
    RED.popover.tooltip = (target, content, ...more) => {
      const popover = original(target, content, ...more);
      const { setContent } = popover;
      const keep = (text) => target?.[0] && reasons.set(target[0], text);
      keep(content);
      popover.setContent = (text) => {
        keep(text);
        setContent(text);
      };
      return popover;
    };
  };

  function channels(colour) {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  }
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  function background(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  }
  /** WCAG 2 contrast of a text on what is below it. */
  function contrast(element) {
    const below = background(element);
    const text = over(channels(getComputedStyle(element).color), below);
    const [bright, dark] = [luminance(text), luminance(below)].sort((a, b) => b - a);
    return (bright + 0.05) / (dark + 0.05);
  }

  const own = (element) => [...element.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data);

  return {
    ready: (types) => typeof RED === "object" && !!RED.nodes && types.every((type) => RED.nodes.getType(type)),
    watchTooltips,
    version: () => RED.settings.version,

    importFlow(flow) {
      RED.view.importNodes(flow, { generateIds: false, notify: false });
      RED.view.redraw(true);
    },
    /** As if it were dropped from the palette. */
    drop(type, at) {
      const node = RED.nodes.add(RED.view.createNode(type, 300, 60 + 60 * at).node, { source: "palette" });
      RED.editor.validateNode(node);
      RED.nodes.dirty(true);
      RED.view.redraw(true);
      return node.id;
    },
    open(id) {
      const node = RED.nodes.node(id);
      if (node._def.category === "config") RED.editor.editConfig("", node.type, node.id);
      else RED.editor.edit(node);
    },
    addConfig: (type) => RED.editor.editConfig("", type, "_ADD_"),
    reveal: (id) => RED.view.reveal(id),
    nodesOf(types) {
      const found = [];
      RED.nodes.eachNode(({ id, type }) => types.includes(type) && found.push({ id, type }));
      RED.nodes.eachConfig(({ id, type }) => types.includes(type) && found.push({ id, type }));
      return found;
    },
    /** What would be deployed, and what the editor thinks of it. */
    state(id) {
      const node = RED.nodes.node(id);
      const { changed = false, valid, validationErrors = [], status } = node;
      const label = RED.utils.getNodeLabel(node);
      const ports = Array.from({ length: node._def.outputs ?? 0 }, (_, i) => {
        const { outputLabels } = node._def;
        return typeof outputLabels === "function" ? outputLabels.call(node, i) : (outputLabels?.[i] ?? "");
      });
      return { changed: !!changed, valid, validationErrors, label, ports, status, saved: RED.nodes.convertNode(node) };
    },
    palette: (types) =>
      types.map((type) => {
        const entry = document.querySelector(`.red-ui-palette-node[data-palette-type="${type}"]`);
        const category = entry?.closest(".red-ui-palette-category");
        return {
          type,
          label: entry?.querySelector(".red-ui-palette-label")?.textContent,
          category: category?.querySelector(".red-ui-palette-header span")?.textContent,
        };
      }),
    help: (type) => RED.nodes.getNodeHelp(type),

    /** All that the dialog shows. */
    texts: () => all("label, span, option, button, a, div").flatMap((element) => own(element)).map((text) => text.trim()),
    /** Elements that have a text of a catalogue. */
    translated: () =>
      [...tray().querySelectorAll("[data-i18n]")].flatMap((element) =>
        element
          .getAttribute("data-i18n")
          .split(";")
          .map((entry) => {
            const [, attribute, key] = /^(?:\[(\w+)\])?(.+)$/.exec(entry);
            return { key, text: attribute ? element.getAttribute(attribute) : element.textContent };
          }),
      ),
    colours: () =>
      all("label, label *, input, select, textarea, .form-tips, .red-ui-typedInput-container button *")
        .filter((element) => element.matches("input, select, textarea") || own(element).join("").trim() !== "")
        .filter((element) => !element.matches("[type=checkbox]"))
        .map((element) => ({
          what: `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""} ${element.value ?? element.textContent}`,
          contrast: Math.round(contrast(element) * 100) / 100,
        })),
    theme: (dark) => document.documentElement.classList.toggle("nr-theme-dark", dark),
    /** What does not fit: fields wider than the form, labels cut off. */
    overflow() {
      const form = all("form")[0];
      const { right } = form.getBoundingClientRect();
      return all("input, select, .red-ui-typedInput-container, label", form)
        .filter((element) => element.getBoundingClientRect().right > right + 1 || element.scrollWidth > element.clientWidth + 40)
        .map((element) => element.id || element.textContent.trim());
    },

    /** Fields that the definition checks, each with values that it does not take. */
    checked(id) {
      const node = RED.nodes.node(id);
      const { defaults } = node._def;
      return Object.entries(defaults).flatMap(([name, { validate, required, type }]) => {
        if (!validate && !required) return [];
        const config = RED.nodes.getType(type)?.category === "config";
        const options = { label: defaults[name].label };
        const wrong = (value) => (required && value === "") || (validate && validate.call(node, value, options) !== true);
        const values = config ? ["_ADD_"] : ["", "-1", "¿?", "#/a", "{", "=,="];
        return [{ name, config, values: values.filter((value) => config || wrong(value)) }];
      });
    },
    field(id, name) {
      const prefix = prefixOf(RED.nodes.node(id));
      const input = document.getElementById(`${prefix}-${name}`);
      const typed = input?.nextElementSibling?.matches(".red-ui-typedInput-container") && input.nextElementSibling;
      return {
        there: !!input,
        shown: !!input && shown(typed || input),
        selector: typed ? `#${prefix}-${name} + .red-ui-typedInput-container input.red-ui-typedInput-input` : `#${prefix}-${name}`,
        marked: !!input?.classList.contains("input-error") && (!typed || typed.classList.contains("input-error")),
        reason: input && $(input).data("tooltip") ? reasons.get(input) : undefined,
      };
    },
    selects: (id) =>
      all(`select[id^="${prefixOf(RED.nodes.node(id))}-"]`).map(({ id: select, options, value }) => ({
        select,
        value,
        options: [...options].map((option) => option.value),
      })),
    choose(select, value) {
      $(`#${select}`).val(value).trigger("change");
    },
    unsaved: () => RED.nodes.dirty(),
    settled: () => document.getElementById("red-ui-editor-stack").style.zIndex === "13",
  };
})();
