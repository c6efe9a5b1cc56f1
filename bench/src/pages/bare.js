// The least that a page can do to open a data channel through the rendezvous server: the server's own hello, then plain offer,
// answer and candidates. The room's keys are the fragment; `window.join()` starts. Nothing is sealed, checked, stored or shown.
const encode = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));

// As with an app that was here before, the keys exist already.
window.ready = (async () => {
  const keys = await crypto.subtle.generateKey('Ed25519', false, ['sign']);
  const id = new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey));
  const [seed, roomKey, founder, room] = location.hash.slice(1).split('.');
  // RFC 8410 §7: the wrapping of a private key.
  const wrapped = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, ...decode(seed)];
  const secret = await crypto.subtle.importKey('pkcs8', new Uint8Array(wrapped), 'Ed25519', false, ['sign']);
  const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' });
  return { key: keys.privateKey, id, certificate, secret, roomKey, founder, room };
})();

window.join = async () => {
  const { key, id, certificate, secret, roomKey, founder, room } = await window.ready;
  const socket = new WebSocket(`ws://${location.host}/ws`);
  const connections = new Map();
  let iceServers = [];
  const send = (request) => socket.send(JSON.stringify(request));
  const connect = (peer) => {
    const connection = new RTCPeerConnection({ certificates: [certificate], iceServers });
    connection.createDataChannel('bare', { negotiated: true, id: 0 });
    connection.onicecandidate = ({ candidate }) => {
      if (candidate) send({ relay: { to: peer, payload: JSON.stringify({ candidate }) } });
    };
    connections.set(peer, connection);
    return connection;
  };
  const describe = async (peer, connection) => {
    await connection.setLocalDescription();
    send({ relay: { to: peer, payload: JSON.stringify({ description: connection.localDescription }) } });
  };
  socket.onmessage = async ({ data }) => {
    const [[type, event]] = Object.entries(JSON.parse(data));
    if (type === 'challenge') {
      const text = (words) => new TextEncoder().encode(words);
      const said = [[0, 2], decode(event.nonce), decode(room), id, text(location.host)].flatMap((part) => [...part]);
      const sign = async (key, label) => {
        const signed = new Uint8Array([...text(`starling v1 ${label} hello\0`), ...said]);
        return encode(new Uint8Array(await crypto.subtle.sign('Ed25519', key, signed)));
      };
      const [signature, roomSignature] = await Promise.all([sign(key, 'signal'), sign(secret, 'room')]);
      const hello = { version: 2, peer: encode(id), founder, host: location.host, signature };
      send({ hello: { ...hello, 'room-key': roomKey, 'room-signature': roomSignature } });
    } else if (type === 'welcome') {
      iceServers = event['ice-servers'];
      window.registered = true;
      for (const peer of event.peers) await describe(peer, connect(peer));
    } else if (type === 'relayed') {
      const { description, candidate } = JSON.parse(event.payload);
      const connection = connections.get(event.from) ?? connect(event.from);
      if (candidate) {
        await connection.addIceCandidate(candidate);
      } else {
        await connection.setRemoteDescription(description);
        if (description.type === 'offer') await describe(event.from, connection);
      }
    }
  };
};
