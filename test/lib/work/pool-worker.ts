import workerpool from "workerpool";

workerpool.worker({
  add: (a: number, b: number) => a + b,
  spin: () => {
    for (;;);
  },
  fail: () => {
    throw new Error("no such thing");
  },
});
