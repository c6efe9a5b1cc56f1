// The least that a page can do to bring bytes to another page: one connection, one channel for bytes and one for pings. What arrives is counted
// and thrown away. The two pages are introduced by hand: `describe()` gives an offer or an answer, `accept(sdp)` takes the other's.
const HIGH = 4 * 1024 * 1024;
const LOW = 1024 * 1024;

const connection = new RTCPeerConnection();
const make = (label, id) => {
  const channel = connection.createDataChannel(label, { negotiated: true, id });
  channel.binaryType = 'arraybuffer';
  return channel;
};
const bytes = make('bytes', 0);
const pings = make('pings', 1);
window.opened = new Promise((done) => (bytes.onopen = done));

window.describe = async () => {
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== 'complete') await new Promise((done) => setTimeout(done, 10));
  return connection.localDescription.toJSON();
};
window.accept = (description) => connection.setRemoteDescription(description);

// The receiver asks for so many bytes in messages of that size, and notes how long they took.
window.fetchBytes = (total, size) => {
  window.took = undefined;
  const started = performance.now();
  let left = total;
  bytes.onmessage = ({ data }) => {
    left -= data.byteLength;
    if (left <= 0) window.took = performance.now() - started;
  };
  bytes.send(JSON.stringify({ total, size }));
};

// The sender pumps what it is asked for.
bytes.bufferedAmountLowThreshold = LOW;
bytes.addEventListener('message', ({ data }) => {
  if (typeof data !== 'string') return;
  let { total, size } = JSON.parse(data);
  const message = new Uint8Array(size);
  const pump = () => {
    while (total > 0 && bytes.bufferedAmount < HIGH) {
      bytes.send(total < size ? message.subarray(0, total) : message);
      total -= size;
    }
  };
  bytes.onbufferedamountlow = pump;
  pump();
});

// One way, by the clock that all pages of a machine share.
const now = () => performance.timeOrigin + performance.now();
window.latencies = [];
pings.onmessage = ({ data }) => window.latencies.push(now() - Number(data));
window.startTalking = (every) => (window.talking = setInterval(() => pings.send(String(now())), every));
window.stopTalking = () => clearInterval(window.talking);
