import type { NodeAPI } from "node-red";
import type { ComposeSettings, Templates } from "../../lib/notify/compose.ts";
import { type EmailSettings, emailChannel } from "../../lib/notify/email.ts";
import { mqttChannel } from "../../lib/notify/mqtt.ts";
import { type Channel, LANGUAGES } from "../../lib/notify/notification.ts";
import { telegramChannel } from "../../lib/notify/telegram.ts";
import { compile, type Template } from "../../lib/notify/template.ts";
import {
  booleanSetting,
  checkVersion,
  choiceSetting,
  listSetting,
  numberSetting,
  textSetting,
  zoneSetting,
} from "../config.ts";
import { clock } from "../shell.ts";
import { mqttLink } from "./mqtt-link.ts";

/** As they are saved, or as they stand in the dialog. */
export type RawSettings = Readonly<Record<string, unknown>>;

export interface Secrets {
  user?: string;
  password?: string;
  token?: string;
}

/** What a channel is made with: the node's id tells it from others where it connects. */
export interface Surroundings {
  RED: NodeAPI;
  id: string;
}

export const KINDS = ["email", "telegram", "mqtt"] as const;

const SECURITY = ["starttls", "tls", "none"] as const;
/** Where mail servers listen for it. */
const PORTS: Readonly<Record<EmailSettings["security"], number>> = { starttls: 587, tls: 465, none: 25 };

function email(raw: RawSettings, { user = "", password = "" }: Secrets): Channel {
  const security = choiceSetting(raw.security, "security", SECURITY);
  return emailChannel({
    host: textSetting(raw.host),
    port: numberSetting(raw.port, "port", PORTS[security], { min: 1, max: 65_535, integer: true }),
    security,
    user,
    password,
    from: textSetting(raw.from),
    to: listSetting(raw.to),
    allowSelfSigned: booleanSetting(raw.allowSelfSigned, false),
  });
}

function telegram(raw: RawSettings, { token = "" }: Secrets): Channel {
  const apiRoot = textSetting(raw.apiRoot);
  return telegramChannel({ token, chats: listSetting(raw.chats), clock, ...(apiRoot && { apiRoot }) });
}

function mqtt(raw: RawSettings, { RED, id }: Surroundings): Channel {
  const topic = textSetting(raw.topic);
  const link = mqttLink(RED, textSetting(raw.broker), id);
  const channel = mqttChannel({
    publish: link.publish,
    qos: Number(choiceSetting(String(raw.qos ?? 1), "qos", ["1", "0", "2"])) as 0 | 1 | 2,
    retain: booleanSetting(raw.retain, false),
    ...(topic && { topic }),
  });
  return {
    dialect: channel.dialect,
    send: (notification) => channel.send(notification),
    test: (options) => channel.test(options),
    close: async () => {
      await channel.close();
      await link.close();
    },
  };
}

/** @throws VigiaError naming the setting */
export function openChannel(raw: RawSettings, secrets: Secrets, surroundings: Surroundings): Channel {
  checkVersion(raw.version, 1);
  switch (choiceSetting(raw.kind, "kind", KINDS)) {
    case "email":
      return email(raw, secrets);
    case "telegram":
      return telegram(raw, secrets);
    case "mqtt":
      return mqtt(raw, surroundings);
  }
}

function templateSetting(raw: unknown, field: string): Template | undefined {
  return typeof raw === "string" && raw.trim() !== "" ? compile(raw, field) : undefined;
}

/** Empty ones are left out. @throws VigiaError `bad-template` */
export function templateSettings({ title, text, html }: RawSettings): Templates {
  const templates: Templates = {};
  const [ofTitle, ofText, ofHtml] = [
    templateSetting(title, "title"),
    templateSetting(text, "text"),
    templateSetting(html, "html"),
  ];
  if (ofTitle) templates.title = ofTitle;
  if (ofText) templates.text = ofText;
  // The one with markup: a mail's page, or Telegram's few tags.
  if (ofHtml) Object.assign(templates, { html: ofHtml, markup: ofHtml });
  return templates;
}

/** In which words a channel tells. @throws VigiaError naming the setting */
export function wordSettings(raw: RawSettings): Required<Pick<ComposeSettings, "language" | "zone" | "templates">> {
  return {
    language: choiceSetting(raw.language, "language", LANGUAGES),
    zone: zoneSetting(raw.zone, "zone") || new Intl.DateTimeFormat("en").resolvedOptions().timeZone,
    templates: templateSettings(raw),
  };
}
