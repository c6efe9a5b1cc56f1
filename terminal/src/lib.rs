//! A peer outside the browser: [`client`] over sockets and a file.
