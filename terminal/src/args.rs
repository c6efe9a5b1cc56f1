//! What is typed to start the program.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use mesh::config::{Keeps, LOG_ENTRIES_MAX, RECORD_BYTES_MAX};
use shared::signal::IceServer;

use crate::{
    archive,
    config::{
        ARCHIVE_FILES_BYTES, ARCHIVE_MESSAGES_BYTES_MAX, ARCHIVE_MESSAGES_MAX, ARCHIVE_ROOMS_MAX, DELIVERY_WAIT,
        HISTORY_SHOWN, LOAD_ARRIVALS_MAX, LOAD_PEERS_MAX, LOAD_RATE_MAX, LOAD_SECONDS_MAX,
    },
    direct::Direct,
    http,
    line::command::WhichFile,
    load,
};

/// A peer of Starling in a terminal: the rooms of the browsers, without a browser.
///
/// Exit codes: 0 all was done, and what was said has reached all who were there; 1 the program failed; 2 a mistake on the command line; 3 something that
/// was said did not reach all in time, or a file did not come; 4 nobody was there (what was said is kept if that is possible, and goes out at the next visit);
/// 5 a command was not carried out.
#[derive(Debug, Parser)]
#[command(name = "starling", version, max_term_width = 100)]
pub struct Cli {
    /// What all commands share.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Action,
}

/// What all commands share.
#[derive(Debug, Args)]
pub struct Options {
    /// The folder in which things are kept [default: $XDG_DATA_HOME/starling].
    #[arg(long, global = true, value_name = "FOLDER", env = "STARLING_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Which person of this machine you are [default: the first one that no other instance is].
    #[arg(long = "as", global = true, value_name = "NUMBER")]
    pub person: Option<u32>,
    /// What others are to call you. Kept for the next time.
    #[arg(long, global = true, value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
    /// The rendezvous server, instead of the one that the link names. May be given several times.
    #[arg(
        long = "server",
        global = true,
        value_name = "URL",
        env = "STARLING_SERVER",
        value_delimiter = ','
    )]
    pub servers: Vec<String>,
    /// A STUN server that tells our public address, such as stun:stun.example.org:3478, besides those that the server names. May be given several
    /// times.
    #[arg(long = "ice-server", global = true, value_name = "URL", value_parser = ice_server)]
    pub ice_servers: Vec<String>,
    /// An object a line, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Lines instead of a screen.
    #[arg(long, global = true)]
    pub plain: bool,
    /// How peers meet without a server.
    #[command(flatten)]
    pub direct: Direct,
    /// The file with your passphrase, if your identity has one. Without it you are asked.
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// What an archive keeps.
#[derive(Debug, Args)]
pub struct Archive {
    /// The links of the rooms; up to 64.
    #[arg(required = true, num_args = 1..=ARCHIVE_ROOMS_MAX)]
    pub links: Vec<String>,
    /// How many messages are kept of each room, the latest; all are in memory, some 2 KB each.
    #[arg(long, value_name = "COUNT", default_value_t = LOG_ENTRIES_MAX, value_parser = messages_max)]
    pub messages_max: usize,
    /// How many bytes of files are kept of each room: the latest files that fit together.
    #[arg(long, value_name = "BYTES", default_value_t = ARCHIVE_FILES_BYTES)]
    pub bytes_max: u64,
    /// Metrics in the format of Prometheus are at this address of this machine, under /metrics.
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
}

impl Archive {
    /// How much is kept of each room, for everybody.
    #[must_use]
    pub fn keeps(&self) -> Keeps {
        let usual = Keeps::default();
        // As many bytes for a message as usual.
        let bytes = usual.bytes_max / usual.entries_max * self.messages_max;
        Keeps {
            for_others: true,
            entries_max: self.messages_max,
            bytes_max: bytes.clamp(RECORD_BYTES_MAX, ARCHIVE_MESSAGES_BYTES_MAX),
        }
    }

    /// How it goes.
    #[must_use]
    pub fn plan(&self) -> archive::Plan {
        archive::Plan {
            files_bytes_max: self.bytes_max,
            metrics: self.metrics,
        }
    }
}

fn messages_max(text: &str) -> Result<usize, String> {
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=ARCHIVE_MESSAGES_MAX).contains(count));
    count.ok_or_else(|| format!("a number from 1 to {ARCHIVE_MESSAGES_MAX}"))
}

/// Many peers in one process.
#[derive(Debug, Args)]
pub struct Load {
    /// The room's link, or the name of an open room.
    pub link: String,
    /// How many peers come.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=i64::from(LOAD_PEERS_MAX)))]
    pub peers: u16,
    /// How many of them come in a second.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=i64::from(LOAD_ARRIVALS_MAX)))]
    pub arrivals: u16,
    /// How many messages are said in a second, by all together; 5,000 in all.
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u16).range(0..=i64::from(LOAD_RATE_MAX)))]
    pub rate: u16,
    /// For how many seconds they talk.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=LOAD_SECONDS_MAX))]
    pub seconds: u64,
}

impl Load {
    /// How it goes.
    #[must_use]
    pub fn plan(&self) -> load::Plan {
        load::Plan {
            peers: self.peers,
            arrivals: self.arrivals,
            rate: self.rate,
            talk: seconds(self.seconds),
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make a room, and print its link.
    New {
        /// What the room is called.
        #[arg(long, value_name = "ROOM", value_parser = name)]
        room: Option<String>,
    },
    /// Talk in a room: what you type is said, /help lists the commands. In a terminal on the whole screen (F1 tells the keys), else line by line.
    Chat {
        /// The room's link, or the name of an open room.
        link: String,
        /// Once the input has ended: how many seconds what was said is given to be delivered.
        #[arg(long, value_name = "SECONDS", default_value_t = DELIVERY_WAIT.as_secs())]
        wait: u64,
        /// How many messages of former visits are shown.
        #[arg(long, value_name = "COUNT", default_value_t = HISTORY_SHOWN)]
        history: usize,
        /// What others on this machine can ask for by HTTP.
        #[command(flatten)]
        http: Http,
    },
    /// Say something in a room, and leave once all who are there have it.
    Say {
        /// The room's link.
        link: String,
        /// What to say; without it, each line of the input.
        text: Vec<String>,
        /// Say it to one person only.
        #[arg(long, value_name = "NAME", requires = "text")]
        to: Option<String>,
        /// How many seconds it is given to be delivered.
        #[arg(long, value_name = "SECONDS", default_value_t = DELIVERY_WAIT.as_secs())]
        wait: u64,
    },
    /// Print what is said in a room, until you end it.
    Tail {
        /// The room's link.
        link: String,
        /// How many messages of former visits are shown.
        #[arg(long, short = 'n', value_name = "COUNT", default_value_t = HISTORY_SHOWN)]
        lines: usize,
        /// What others on this machine can ask for by HTTP.
        #[command(flatten)]
        http: Http,
    },
    /// Keep rooms for everybody who is in them: what is said and files, until you end it. It reads all that is said to everyone, and shows in the list of people
    /// that it keeps the room.
    Archive(Archive),
    /// Fill a room with many peers that talk, measure them, and leave. For trying out a server of your own: nobody else's.
    ///
    /// Exit codes: 0 all joined, and everything has reached everyone in one order; 3 something did not.
    Load(Load),
    /// Print who is in a room.
    People {
        /// The room's link.
        link: String,
    },
    /// Draw the network of a room.
    Map {
        /// The room's link.
        link: String,
        /// As what.
        #[arg(long, value_enum, default_value_t = MapFormat::Drawing)]
        format: MapFormat,
    },
    /// Offer a file to everyone in a room. Others can fetch it while this runs: end it with Ctrl+C.
    Send {
        /// The room's link.
        link: String,
        /// Which file.
        file: PathBuf,
    },
    /// Put your identity under a passphrase, change it, or remove it.
    Passphrase {
        /// What to do.
        #[arg(value_enum)]
        change: PassphraseChange,
        /// The file with the new passphrase. Without it you are asked.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Take your identity to another device, and with it the rooms that you founded: as a file under a passphrase of its own.
    Identity {
        /// What to do.
        #[command(subcommand)]
        action: IdentityAction,
    },
    /// Fetch a file that was offered in a room.
    Get {
        /// The room's link.
        link: String,
        /// Its number in this program, or the beginning of its id. Without it, the files are listed.
        file: Option<WhichFile>,
        /// Where it goes [default: here, under its own name].
        path: Option<PathBuf>,
        /// How many seconds it may take [default: as long as it takes].
        #[arg(long, value_name = "SECONDS")]
        wait: Option<u64>,
    },
}

/// What becomes of an identity.
#[derive(Debug, Subcommand)]
pub enum IdentityAction {
    /// Write it to a file. The page reads the same files.
    Export {
        /// Which file. One that is there already is not touched.
        file: PathBuf,
        /// The file with the passphrase that opens it. Without it you are asked.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Be from now on who is in a file.
    Import {
        /// Which file.
        file: PathBuf,
        /// The file with the passphrase that opens it. Without it you are asked.
        #[arg(long, value_name = "FILE")]
        file_passphrase_file: Option<PathBuf>,
        /// Also where somebody is already. That identity is gone then, unless you have exported it.
        #[arg(long)]
        replace: bool,
    },
}

/// What becomes of a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PassphraseChange {
    /// Put the identity under a passphrase, or under another one.
    Set,
    /// Keep the identity without one.
    Remove,
}

/// As what the network is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MapFormat {
    /// With letters.
    Drawing,
    /// For Graphviz.
    Dot,
    /// As an image.
    Svg,
}

/// Options for HTTP.
#[derive(Debug, Clone, Args, Default)]
pub struct Http {
    /// Answer requests by HTTP at this address, such as 127.0.0.1:8001, or at a socket of this machine, such as unix:/run/user/1000/starling.
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<http::At>,
    /// Whoever reaches that address may read and write, without a token.
    #[arg(long, requires = "http")]
    pub http_open: bool,
    /// The address may be one that others in the network reach.
    #[arg(long, requires = "http")]
    pub http_beyond_loopback: bool,
}

fn name(text: &str) -> Result<String, String> {
    client::validate::name(text).map_err(client::words::name_error)
}

fn ice_server(url: &str) -> Result<String, String> {
    if url.starts_with("turn:") || url.starts_with("turns:") {
        return Err("this program does not use TURN servers. Whoever it reaches by none of its own ways it reaches through other people".to_owned());
    }
    let server = IceServer {
        urls: vec![url.to_owned()],
        username: None,
        credential: None,
    };
    if server.is_valid() {
        Ok(url.to_owned())
    } else {
        Err("write it as stun:HOST:PORT".to_owned())
    }
}

/// Seconds, as they are typed.
#[must_use]
pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_are_read() {
        let stun = ["starling", "people", "link", "--ice-server", "stun:host:3478"];
        assert!(Cli::try_parse_from(stun).is_ok());
        let cli = Cli::try_parse_from([
            "starling",
            "chat",
            "link",
            "--name",
            "Ann",
            "--http",
            "127.0.0.1:8001",
            "--json",
        ]);
        let cli = cli.unwrap();
        assert_eq!((cli.options.name.as_deref(), cli.options.json), (Some("Ann"), true));
        let Action::Chat { link, wait, http, .. } = cli.command else {
            panic!("another command")
        };
        assert_eq!((link.as_str(), wait), ("link", 30));
        assert_eq!(http.http, Some(http::At::Tcp(([127, 0, 0, 1], 8001).into())));
        for wrong in [
            vec!["starling"],
            vec!["starling", "chat"],
            vec!["starling", "chat", "link", "--http-open"],
            vec!["starling", "chat", "link", "--name", "a\u{202e}"],
            vec!["starling", "say", "link", "--to", "Ann"],
            vec!["starling", "people", "link", "--ice-server", "turn:host:3478"],
            vec!["starling", "people", "link", "--ice-server", "host"],
        ] {
            assert!(Cli::try_parse_from(&wrong).is_err(), "{wrong:?}");
        }
    }
}
