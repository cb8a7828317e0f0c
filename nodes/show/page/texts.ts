const en = {
  live: "Live",
  "live-hint": "Follow the present (Home)",
  ranges: "Time span",
  choose: "__shown__ of __total__ KPIs",
  "choose-hint": "Choose which KPIs are shown",
  group: "Group",
  "group-hint": "KPIs with the same last part of their name and the same unit share a chart",
  dark: "Dark",
  light: "Light",
  connecting: "connecting…",
  streaming: "connected",
  lost: "connection lost, trying again",
  min: "min",
  mean: "mean",
  max: "max",
  now: "now",
  ago: "__age__ ago",
  none: "no value yet",
  "no-points": "No points in this time span.",
  "go-to-last": "Go to the last one, __time__",
  "empty-title": "No KPIs have come by yet",
  "empty-text": "Wire a source into the live node. Its KPIs appear here by themselves.",
  "unchosen-title": "No KPI is chosen",
  "unchosen-text": "Choose what you want to see with the KPIs button above.",
  warning: "The store does not answer (__code__): history may be missing here.",
  "no-store": "This page has no store: it shows what has come by since it was deployed.",
  help: "Drag to zoom, shift-drag or swipe sideways to move, double-click to go back to live. Keys: ← → + − Home",
  title: "KPIs",
  search: "Search names and tags",
  "some-listed": "__shown__ of __matched__ listed: type to narrow them down",
  "nothing-fits": "No KPI fits this search.",
  reset: "Back to the default choice",
  "at-most": "At most __max__ at once.",
  close: "Done",
};

type Key = keyof typeof en;

const es: Record<Key, string> = {
  live: "En vivo",
  "live-hint": "Seguir el presente (tecla Inicio)",
  ranges: "Intervalo",
  choose: "__shown__ de __total__ KPI",
  "choose-hint": "Elegir qué KPI se muestran",
  group: "Agrupar",
  "group-hint": "Los KPI con la misma unidad y el mismo final de nombre comparten gráfico",
  dark: "Oscuro",
  light: "Claro",
  connecting: "conectando…",
  streaming: "conectado",
  lost: "sin conexión, reintentando",
  min: "mín",
  mean: "media",
  max: "máx",
  now: "ahora",
  ago: "hace __age__",
  none: "aún sin valor",
  "no-points": "No hay puntos en este intervalo.",
  "go-to-last": "Ir al último, __time__",
  "empty-title": "Todavía no ha llegado ningún KPI",
  "empty-text": "Conecta una fuente al nodo de la página en vivo. Sus KPI aparecerán aquí solos.",
  "unchosen-title": "No hay ningún KPI elegido",
  "unchosen-text": "Elige lo que quieres ver con el botón de KPI de arriba.",
  warning: "El almacén no responde (__code__): puede faltar parte del histórico.",
  "no-store": "Esta página no tiene almacén: muestra lo que ha llegado desde que se desplegó.",
  help: "Arrastra para ampliar, Mayús + arrastrar o desliza en horizontal para moverte, doble clic para volver al presente. Teclas: ← → + − Inicio",
  title: "KPI",
  search: "Buscar por nombre o etiqueta",
  "some-listed": "Se listan __shown__ de __matched__: escribe para acotar",
  "nothing-fits": "Ningún KPI coincide con la búsqueda.",
  reset: "Volver a la selección inicial",
  "at-most": "Como máximo __max__ a la vez.",
  close: "Listo",
};

export interface Texts {
  /** For dates and numbers. */
  language: string;
  (key: Key, values?: Readonly<Record<string, string | number>>): string;
}

export function textsFor(language: string): Texts {
  const spanish = /^es\b/i.test(language);
  const catalogue = spanish ? es : en;
  const text = (key: Key, values: Readonly<Record<string, string | number>> = {}) =>
    catalogue[key].replace(/__(\w+?)__/g, (_, name: string) => String(values[name] ?? ""));
  // English texts go with English dates, whatever else the browser speaks.
  return Object.assign(text, { language: spanish || /^en\b/i.test(language) ? language : "en-GB" });
}
