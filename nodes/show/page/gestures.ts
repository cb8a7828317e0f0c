import type { View } from "./view.ts";

/** Shift-drag, sideways wheel and touch on a plot. Plain wheel and vertical swipes stay the page's own scrolling. */
export function gestures(plot: HTMLElement, view: View): { startPan: (event: MouseEvent) => void } {
  const part = (clientX: number) => {
    const { left, width } = plot.getBoundingClientRect();
    return (clientX - left) / width;
  };
  const timeAt = (clientX: number) => view.from + part(clientX) * view.span;

  plot.addEventListener(
    "wheel",
    (event) => {
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (event.ctrlKey) view.zoom(Math.exp(event.deltaY * 0.005), timeAt(event.clientX));
      else if (Math.abs(sideways) > Math.abs(event.deltaY) || event.shiftKey) view.pan(sideways / plot.clientWidth);
      else return;
      event.preventDefault();
    },
    { passive: false },
  );

  /** Where the fingers are, as parts of the width. */
  const fingers = new Map<number, number>();
  plot.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") fingers.set(event.pointerId, part(event.clientX));
  });
  plot.addEventListener("pointermove", (event) => {
    const was = fingers.get(event.pointerId);
    if (was === undefined) return;
    const is = part(event.clientX);
    const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (other === undefined) view.pan(was - is);
    else if (Math.abs(is - other) > 0.02)
      view.zoom(Math.abs(was - other) / Math.abs(is - other), view.from + other * view.span);
    fingers.set(event.pointerId, is);
  });
  for (const type of ["pointerup", "pointercancel"] as const) {
    plot.addEventListener(type, ({ pointerId }) => fingers.delete(pointerId));
  }

  return {
    startPan(start) {
      let x = start.clientX;
      const move = (event: MouseEvent) => {
        view.pan((x - event.clientX) / plot.clientWidth);
        x = event.clientX;
      };
      plot.classList.add("panning");
      document.addEventListener("mousemove", move);
      document.addEventListener(
        "mouseup",
        () => {
          plot.classList.remove("panning");
          document.removeEventListener("mousemove", move);
        },
        { once: true },
      );
    },
  };
}

/** Keys of the whole page, except where somebody types. */
export function keys(view: View): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest("input, dialog, select, textarea")) return;
    const step = event.shiftKey ? 0.5 : 0.1;
    switch (event.key) {
      case "ArrowLeft":
        view.pan(-step);
        break;
      case "ArrowRight":
        view.pan(step);
        break;
      case "+":
      case "=":
        view.zoom(0.5);
        break;
      case "-":
        view.zoom(2);
        break;
      case "Home":
        view.follow();
        break;
      default:
        return;
    }
    event.preventDefault();
  });
}
