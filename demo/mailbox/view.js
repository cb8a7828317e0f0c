// The list, the mail that is open, and a stream that tells of new ones. Texts go in as text, never as markup.
const at = (id) => document.getElementById(id);
const main = document.querySelector("main");
const parts = [...document.querySelectorAll("[data-part]")];
const whenOf = (time) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

let mails = [];
let open;
let part = "html";

function span(text) {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}

function entryOf(mail) {
  const button = document.createElement("button");
  button.className = "entry";
  button.setAttribute("aria-current", String(mail.id === open?.id));
  const about = document.createElement("span");
  about.className = "about";
  about.append(span(`to ${mail.to}`), span(new Date(mail.time).toLocaleTimeString()));
  button.append(span(mail.subject || "(no subject)"), about);
  button.addEventListener("click", () => show(mail));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function list() {
  at("none").hidden = mails.length > 0;
  at("mails").replaceChildren(...mails.map(entryOf));
}

function showPart(wanted) {
  part = wanted;
  const shown = open.html ? part : "text";
  for (const button of parts) {
    button.setAttribute("aria-pressed", String(button.dataset.part === shown));
    button.disabled = button.dataset.part === "html" && !open.html;
  }
  at("body").src = `mails/${open.id}/${shown}`;
}

function show(mail) {
  open = mail;
  at("mail").hidden = mail === undefined;
  main.classList.toggle("reading", mail !== undefined);
  if (mail) {
    at("subject").textContent = mail.subject || "(no subject)";
    at("from").textContent = mail.from;
    at("to").textContent = mail.to;
    at("time").textContent = whenOf(mail.time);
    showPart(part);
  }
  list();
}

async function load() {
  mails = await (await fetch("mails")).json();
  list();
}

for (const button of parts) button.addEventListener("click", () => showPart(button.dataset.part));
at("back").addEventListener("click", () => show(undefined));

// It says so at each new connection, too: what came in between is there.
const events = new EventSource("events");
events.addEventListener("open", load);
events.addEventListener("message", load);
