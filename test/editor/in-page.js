// Runs inside the editor's page, as `vigia`: what a test asks the editor that no click can tell.
// biome-ignore-all lint/correctness/noUndeclaredVariables: RED is the editor's own

// Dialogs slide in and out on timers of 100 to 250 ms: most of the time that these tests would take.
const { setTimeout: later } = globalThis;
globalThis.setTimeout = (run, ms = 0, ...args) => later(run, ms >= 100 && ms <= 250 ? ms / 10 : ms, ...args);
document.addEventListener("DOMContentLoaded", () => {
  document.head.append(
    Object.assign(document.createElement("style"), { textContent: ".red-ui-tray { transition: none !important }" }),
  );
});

globalThis.vigia = (() => {
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
  const tray = () => [...document.querySelectorAll(".red-ui-tray")].at(-1);
  const all = (selector, within = tray()) => [...within.querySelectorAll(selector)].filter(shown);
  const prefixOf = (node) => (node._def.category === "config" ? "node-config-input" : "node-input");

  // Texts of the tooltips that the editor hangs on fields.
  const reasons = new WeakMap();
  const watchTooltips = () => {
    const original = RED.popover.tooltip;
    RED.popover.tooltip = (target, content, ...more) => {
      const popover = original(target, content, ...more);
      const { setContent } = popover;
      reasons.set(popover, content);
      popover.setContent = (text) => {
        reasons.set(popover, text);
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
    showPalette(type) {
      const entry = document.querySelector(`.red-ui-palette-node[data-palette-type="${type}"]`);
      entry.closest(".red-ui-palette-category").scrollIntoView();
    },
    addConfig: (type) => RED.editor.editConfig("", type, "_ADD_"),
    showTab: (id) => RED.workspaces.show(id),
    nodesOf(types) {
      const found = [];
      // Nothing may be returned: `false` ends the visit.
      const visit = ({ id, type }) => {
        if (types.includes(type)) found.push({ id, type });
      };
      RED.nodes.eachNode(visit);
      RED.nodes.eachConfig(visit);
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
      // The editor adds empty credentials by itself, and takes that for a change.
      const { credentials, ...saved } = RED.nodes.convertNode(node);
      const missing = Object.keys(node._def.defaults).filter((name) => node[name] === undefined);
      return {
        changed: !!changed && !node._def.credentials,
        valid,
        validationErrors,
        label,
        ports,
        status,
        saved,
        missing,
      };
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
    texts: () =>
      all("label, span, option, button, a, div")
        .flatMap((element) => own(element))
        .map((text) => text.trim()),
    /** Elements of the form that have a text of our catalogue. */
    translated: () =>
      [...tray().querySelectorAll("[data-i18n*='@vigia/']")].flatMap((element) =>
        element
          .getAttribute("data-i18n")
          .split(";")
          .map((entry) => {
            const [, attribute, key] = /^(?:\[(\w+)\])?(.+)$/.exec(entry);
            return {
              key: key.replace(/^.*:/, ""),
              text: attribute ? element.getAttribute(attribute) : element.textContent,
            };
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
        .filter(
          (element) =>
            element.getBoundingClientRect().right > right + 1 || element.scrollWidth > element.clientWidth + 40,
        )
        .map((element) => element.id || element.textContent.trim());
    },

    /** Fields that the definition checks; tables have fields of their own in each row. */
    checked: (id) =>
      Object.entries(RED.nodes.node(id)._def.defaults)
        .filter(([, { validate, required, value, type }]) => (validate || required) && (type || !Array.isArray(value)))
        .map(([name, { type }]) => ({
          name,
          // `vigia-channel[]`: several of them.
          config: RED.nodes.getType(type?.replace("[]", ""))?.category === "config",
        })),
    /** Which of these values it does not take, as the dialog stands now. */
    wrong(id, name, values) {
      const node = RED.nodes.node(id);
      const { validate, required, label } = node._def.defaults[name];
      return values.filter(
        (value) => (required && value === "") || (validate && validate.call(node, value, { label }) !== true),
      );
    },
    field(id, name) {
      const prefix = prefixOf(RED.nodes.node(id));
      const input = document.getElementById(`${prefix}-${name}`);
      const typed = input?.nextElementSibling?.matches(".red-ui-typedInput-container") && input.nextElementSibling;
      const keys = typed ? typed.querySelector("input.red-ui-typedInput-input") : input;
      return {
        there: !!input,
        shown: !!input && shown(typed || input),
        typed: !!typed,
        keys: !!keys && keys.tagName === "INPUT" && shown(keys),
        selector: `#${prefix}-${name}${typed ? " + .red-ui-typedInput-container input.red-ui-typedInput-input" : ""}`,
        marked: !!input?.classList.contains("input-error") && (!typed || typed.classList.contains("input-error")),
        reason: input && $(input).data("tooltip") ? reasons.get($(input).data("tooltip")) : undefined,
      };
    },
    selects: (id) =>
      all(`select[id^="${prefixOf(RED.nodes.node(id))}-"]`).map(({ id: select, options, value }) => ({
        select,
        value,
        options: [...options].map((option) => option.value),
      })),
    chooseFirst(id, name) {
      const select = $(`#${prefixOf(RED.nodes.node(id))}-${name}`);
      const first = [...select[0].options].find(({ value }) => value !== "_ADD_" && value !== "");
      if (first) select.val(first.value).trigger("change");
    },
    /** Sets a field that takes no keys. */
    choose(input, value, typed = false) {
      if (typed) $(`#${input}`).typedInput("value", value);
      else $(`#${input}`).val(value).trigger("change");
    },
    /** There is something to deploy. */
    changed: () =>
      RED.nodes.dirty() && !document.getElementById("red-ui-header-button-deploy").classList.contains("disabled"),
    /** The server has the flow, and the editor can be used again. */
    deployed: () => !RED.nodes.dirty() && all("#red-ui-full-shade", document).length === 0,
    /** Where the dialog is, for its picture. */
    area() {
      const { x, y, width, height } = tray().getBoundingClientRect();
      return { x, y, width, height };
    },
    cancel() {
      for (const button of document.querySelectorAll("#node-dialog-cancel, #node-config-dialog-cancel")) button.click();
    },
    dialogs: () => document.querySelectorAll(".red-ui-tray").length,
    closeMessages() {
      for (const message of document.querySelectorAll(".red-ui-notification")) message.click();
    },
    settled: () => document.getElementById("red-ui-editor-stack").style.zIndex === "13",
  };
})();
