// The least that a page can do to open a data channel through the rendezvous server: the server's own hello, then plain offer,
// answer and candidates. The room is the fragment; `window.join()` starts. Nothing is sealed, checked, stored or shown.
const encode = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));

// As with an app that was here before, the keys exist already.
window.ready = (async () => {
  const keys = await crypto.subtle.generateKey('Ed25519', false, ['sign']);
  const id = new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey));
  const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' });
  return { key: keys.privateKey, id, certificate };
})();

window.join = async () => {
  const { key, id, certificate } = await window.ready;
  const room = location.hash.slice(1);
  const socket = new WebSocket(`ws://${location.host}/ws`);
  const connections = new Map();
  const send = (request) => socket.send(JSON.stringify(request));
  const connect = (peer) => {
    const connection = new RTCPeerConnection({ certificates: [certificate] });
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
      const said = [[0, 2], decode(event.nonce), decode(room), id].flatMap((part) => [...part]);
      const label = new TextEncoder().encode('starling v1 signal hello\0');
      const signature = await crypto.subtle.sign('Ed25519', key, new Uint8Array([...label, ...said]));
      send({ hello: { version: 2, room, peer: encode(id), signature: encode(new Uint8Array(signature)) } });
    } else if (type === 'welcome') {
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
