import { message } from "../editor/message.ts";
import { addresses, chats, chosen, number, required, when, zone } from "../editor/validate.ts";

const field = (name: string) => $(`#node-config-input-${name}`);

/** What the runtime says of a test; see `channel-test.ts`. */
interface Outcome {
  error?: string;
  receipt?: string;
  refused?: { recipient: string; reason: string }[];
  later?: string[];
  notice?: string;
}

/** Only the rows of this kind, and the port that its security has. */
function follow(): void {
  const rows = $("#node-config-input-kind").closest("form, .red-ui-tray-content").find("[data-kind]");
  const show = () => {
    const kind = String(field("kind").val());
    rows.each((_, row) => void $(row).toggle(String($(row).data("kind")).split(" ").includes(kind)));
  };
  const ports: Record<string, string> = { starttls: "587", tls: "465", none: "25" };
  const port = () => field("port").attr("placeholder", ports[String(field("security").val())] ?? "");
  field("kind").on("change", show);
  field("security").on("change", port);
  show();
  port();
}

function inDialog(names: string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.map((name) => {
      const input = field(name);
      return [name, input.is(":checkbox") ? input.prop("checked") : input.val()];
    }),
  );
}

function wordsFor(node: EditorNode, { error, receipt, refused, later, notice }: Outcome): string {
  if (error !== undefined) return error;
  const parts = [
    ...(receipt === undefined ? [] : [node._("channel.test-sent", { receipt })]),
    ...(refused ?? []).map(({ recipient, reason }) => node._("channel.test-refused", { recipient, reason })),
    ...(later ?? []).map((recipient) => node._("channel.test-later", { recipient })),
    ...(notice === undefined ? [] : [notice]),
  ];
  return (parts.join("\n") || node._("channel.test-sent", { receipt: "" })).trim();
}

function testButton(node: EditorNode, settings: string[], secrets: string[]): void {
  const button = $("#vigia-channel-test");
  const shown = $("#vigia-channel-outcome");
  const tell = (text: string, colour: string) => {
    shown.text(text).css("color", colour);
    shown[0]?.scrollIntoView({ block: "nearest" });
    button.prop("disabled", false);
  };
  const fine = (text: string) => tell(text, "var(--red-ui-text-color-success)");
  const wrong = (text: string) => tell(text, "var(--red-ui-text-color-error)");
  button.on("click", () => {
    button.prop("disabled", true);
    shown.text(node._("channel.test-sending")).css("color", "");
    $.ajax({
      url: `vigia/channel/${node.id}/test`,
      method: "POST",
      contentType: "application/json",
      data: JSON.stringify({ settings: inDialog(settings), secrets: inDialog(secrets) }),
    }).then(
      (outcome: Outcome) => {
        const { error, refused, later } = outcome;
        (error === undefined && !refused && !later ? fine : wrong)(wordsFor(node, outcome));
      },
      ({ status }: JQueryXHR) =>
        wrong(node._(status === 404 ? "channel.test-away" : "channel.test-denied", { status })),
    );
  });
}

RED.nodes.registerType("vigia-channel", {
  category: "config",
  paletteLabel: "channel",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    kind: { value: "email" },
    host: {
      value: "",
      label: RED._("@vigia/node-red/channel:channel.host"),
      validate: when("kind", "email", required()),
    },
    security: { value: "starttls" },
    port: {
      value: "",
      label: RED._("@vigia/node-red/channel:channel.port"),
      validate: when("kind", "email", number(1, 65535, { integer: true, blank: true })),
    },
    allowSelfSigned: { value: false },
    from: {
      value: "",
      label: RED._("@vigia/node-red/channel:channel.from"),
      validate: when("kind", "email", addresses()),
    },
    to: {
      value: "",
      label: RED._("@vigia/node-red/channel:channel.to"),
      validate: when("kind", "email", addresses()),
    },
    chats: {
      value: "",
      label: RED._("@vigia/node-red/channel:channel.chats"),
      validate: when("kind", "telegram", chats()),
    },
    apiRoot: { value: "" },
    broker: {
      value: "",
      type: "mqtt-broker",
      required: false,
      label: RED._("@vigia/node-red/channel:channel.broker"),
      validate: when("kind", "mqtt", chosen()),
    },
    topic: {
      value: "vigia/alarms/{{series}}",
      label: RED._("@vigia/node-red/channel:channel.topic"),
      validate: when("kind", "mqtt", required()),
    },
    qos: { value: "1" },
    retain: { value: false },
    language: { value: "en" },
    zone: { value: "", label: RED._("@vigia/node-red/channel:channel.zone"), validate: zone() },
    title: { value: "", label: RED._("@vigia/node-red/channel:channel.title"), validate: message() },
    text: { value: "", label: RED._("@vigia/node-red/channel:channel.text"), validate: message() },
    html: { value: "", label: "HTML", validate: message() },
  },
  credentials: { user: { type: "text" }, password: { type: "password" }, token: { type: "password" } },
  label() {
    return this.name || { email: this.to, telegram: this.chats, mqtt: this.topic }[String(this.kind)] || this.kind;
  },
  oneditprepare() {
    const { defaults, credentials = {} } = this._def as EditorDefinition;
    // A new one speaks the language of whoever makes it, and shows his times.
    if (!RED.nodes.node(this.id)) {
      field("language").val(RED.i18n.lang().startsWith("es") ? "es" : "en");
      field("zone").val(Intl.DateTimeFormat().resolvedOptions().timeZone);
    }
    follow();
    testButton(this, Object.keys(defaults), Object.keys(credentials));
  },
});
