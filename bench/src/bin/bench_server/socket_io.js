// A server of socket.io that is one of several by Redis, and does what ours does for a page: somebody comes to a room and is told how many are there and some of
// their names; a payload goes to one of them, at whichever server that is.
const { createServer } = require("http");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");

const NAMED_MAX = 8;

const main = async () => {
  // This is no file of its own for Node.js, so the first one stands behind the program.
  const [port, redis] = process.argv.slice(1);
  const publisher = createClient({ url: redis });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const server = createServer();
  const io = new Server(server, {
    transports: ["websocket"],
    serveClient: false,
    adapter: createAdapter(publisher, subscriber),
    // An idle socket is to be idle.
    pingInterval: 3_600_000,
  });
  io.on("connection", (socket) => {
    socket.on("join", async (room) => {
      socket.join(room);
      const members = await io.in(room).fetchSockets();
      const others = members.map(({ id }) => id).filter((id) => id !== socket.id);
      socket.emit("welcome", members.length, others.slice(0, NAMED_MAX));
    });
    socket.on("relay", (to, payload) => io.to(to).emit("relayed", socket.id, payload));
  });
  server.listen(Number(port), "127.0.0.1");
};

main();
