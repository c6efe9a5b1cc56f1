// How long the page is busy at a stretch, and when the list of messages is there. In any browser: not all tell of long tasks.

window.watchPage = (hash) => {
  const start = performance.now();
  const times = { shown: null, longest: 0, rows: 0 };
  window.pageTimes = times;
  let last = start;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const now = performance.now();
    times.longest = Math.max(times.longest, now - last);
    last = now;
    if (times.shown === null) {
      const rows = document.querySelectorAll('[role=log] article').length;
      if (rows > 0) {
        times.shown = now - start;
        times.rows = rows;
      }
    }
    if (times.shown === null || now - start < times.shown + 2000) port2.postMessage(0); else times.done = true;
  };
  port2.postMessage(0);
  location.hash = hash;
};
