/** Who may send a test, and what leaves Node-RED of a channel's secrets. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { startMailServer } from "../lib/notify/mail-server.ts";
import { type NodeRed, startNodeRed } from "./support/node-red.ts";

const require = createRequire(import.meta.url);
const { hashSync } = createRequire(require.resolve("node-red"))("bcryptjs") as {
  hashSync(text: string, rounds: number): string;
};
const ID = "c400000000000001";
const PASSWORD = "s3cret-of-the-mail-server";
const TOKEN = "123456:s3cret-of-the-bot";

const users = ["admin", "reader"].map((username) => ({
  username,
  password: hashSync(username, 4),
  permissions: username === "admin" ? "*" : "read",
}));

async function login({ url }: NodeRed, username: string): Promise<Record<string, string>> {
  const response = await fetch(`${url}/auth/token`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      client_id: "node-red-admin",
      grant_type: "password",
      scope: username === "admin" ? "*" : "read",
      username,
      password: username,
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return { Authorization: `Bearer ${token}` };
}

test("only who may change flows sends a test; secrets are in no flow, no status and no log", async (t) => {
  const server = await startMailServer(t, { plain: true, login: { user: "u", password: PASSWORD } });
  const channel = {
    id: ID,
    type: "vigia-channel",
    kind: "email",
    host: "127.0.0.1",
    port: server.port,
    security: "none",
    from: "vigia@example.com",
    to: "you@example.com",
  };
  const nodeRed = await startNodeRed(t, {
    flow: [
      channel,
      { id: "n", type: "vigia-notify", channels: [ID], wires: [["out"], []] },
      { id: "out", type: "test-sink" },
    ],
    credentials: { [ID]: { user: "u", password: PASSWORD, token: TOKEN } },
    // With the editor, which asks for credentials.
    settings: { adminAuth: { type: "credentials", users }, disableEditor: false },
  });
  const press = async (headers: Record<string, string>, settings: object = channel) => {
    const response = await fetch(`${nodeRed.url}/vigia/channel/${ID}/test`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify({ settings, secrets: { user: "u", password: "__PWRD__", token: "__PWRD__" } }),
    });
    return { status: response.status, body: await response.text() };
  };
  assert.equal((await press({})).status, 401);
  assert.equal((await press(await login(nodeRed, "reader"))).status, 401);
  assert.deepEqual(server.mails, []);
  const admin = await login(nodeRed, "admin");
  const sent = await press(admin);
  assert.equal(sent.status, 200);
  assert.match(sent.body, /"receipt"/);
  assert.equal(server.mails.length, 1);
  const wrong = await press(admin, { ...channel, kind: "telegram", chats: "1", apiRoot: "http://127.0.0.1:9" });
  assert.match(wrong.body, /"error"/);

  nodeRed.send("n", { payload: "hello" });
  await nodeRed.shows("n", /^1 sent/);
  const flows = await (await fetch(`${nodeRed.url}/flows`, { headers: admin })).text();
  const stored = await (await fetch(`${nodeRed.url}/credentials/vigia-channel/${ID}`, { headers: admin })).text();
  assert.match(stored, /"user":"u"/);
  const told = JSON.stringify([nodeRed.statuses("n"), nodeRed.got("out")]);
  for (const text of [sent.body, wrong.body, flows, stored, told, nodeRed.log()]) assert.doesNotMatch(text, /s3cret/);
});
