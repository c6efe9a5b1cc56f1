// Watches from outside, in both pages alike: when the first socket is made, the first connection, and when the first data channel
// opens. Milliseconds since the navigation began. Whoever has a page join notes when.
if (!window.times) {
  window.times = {};
  const note = (name) => {
    window.times[name] ??= performance.now();
  };
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      note('calling');
      super(...args);
    }
  };
  const create = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    note('dialling');
    const channel = create.apply(this, args);
    channel.addEventListener('open', () => note('open'));
    return channel;
  };
}
