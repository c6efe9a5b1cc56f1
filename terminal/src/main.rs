//! The program `starling`: a room in a terminal.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    rc::Rc,
};

use anyhow::Context as _;
use chacha20::{ChaCha20Rng, rand_core::SeedableRng as _};
use clap::Parser as _;
use shared::{Identity, RoomCode};
use terminal::{
    Running,
    args::{Action, Cli, Http, MapFormat, Options, seconds},
    config::{ASKS_WAITING_MAX, EVENTS_WAITING_MAX, LATE_WAITING_MAX, LEAVE_MAX},
    desk::Desk,
    home::{Home, Person},
    line::{
        command::{Command, Whisper},
        plain::Plain,
    },
    link::Destination,
    report::Report,
    rtc::Certificate,
    run::{self, End, Format, Inlets, Outcome, Plan, Printer, Show, Start, Typed},
    tls::Tls,
};
use tokio::{
    runtime,
    sync::{Notify, broadcast, mpsc},
    task::{LocalSet, spawn_local},
    time::timeout,
};
use tracing_subscriber::EnvFilter;

/// What a failure of the program ends with.
const FAILED: u8 = 1;
/// What a mistake on the command line ends with.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("STARLING_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime
        .context("the program cannot start")
        .and_then(|runtime| LocalSet::new().block_on(&runtime, start(cli)));
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let words = format!("{error:#}");
            // Nowhere else to say it.
            let _ = writeln!(
                io::stderr(),
                "starling: {}",
                terminal::harmless::block(&words, "  ", None, 0)
            );
            ExitCode::from(if error.is::<terminal::link::LinkError>() {
                USAGE
            } else {
                FAILED
            })
        }
    }
}

async fn start(cli: Cli) -> anyhow::Result<u8> {
    let Cli { options, command } = cli;
    let make = || Some(Certificate::generate()?.to_stored());
    let mut person = Home::find(options.data_dir.clone())?
        .claim(options.person, make)
        .await?;
    if let Some(name) = &options.name {
        person.save_name(name).await.context("your name cannot be kept")?;
    }
    let store = person.store.clone();
    let ended = visit(&options, command, person).await;
    store.close().await;
    ended
}

/// What a command comes to.
struct Task {
    destination: Destination,
    typed: mpsc::Receiver<Typed>,
    plan: Plan,
    http: Http,
    /// What is drawn at the end, if anything.
    map: Option<MapFormat>,
    person: Person,
}

async fn visit(options: &Options, command: Action, person: Person) -> anyhow::Result<u8> {
    let to = |link: &str| Destination::parse(link, &options.servers);
    let done = |wait| End::Done { wait };
    let answers = |end| Plan {
        start: Start::Settled,
        end,
        show: Show::Answers,
    };
    let mut http = Http::default();
    let mut map = None;
    let (destination, typed, plan) = match command {
        Action::New { room } => return new_room(options, room, person).await,
        Action::Chat {
            link,
            wait,
            history,
            http: asked,
        } => {
            http = asked;
            let start = if io::stdin().is_terminal() {
                Start::AtOnce
            } else {
                Start::Settled
            };
            let plan = Plan {
                start,
                end: done(Some(seconds(wait))),
                show: Show::All { earlier: history },
            };
            (to(&link)?, run::from_stdin(Typed::line)?, plan)
        }
        Action::Say {
            link,
            text,
            to: name,
            wait,
        } => {
            let typed = if text.is_empty() {
                run::from_stdin(Typed::text)?
            } else {
                let text = text.join(" ");
                run::commands(vec![match name {
                    Some(name) => Command::Whisper {
                        whisper: Whisper::To { name, text },
                    },
                    None => Command::Say { text },
                }])
            };
            (to(&link)?, typed, answers(done(Some(seconds(wait)))))
        }
        Action::Tail {
            link,
            lines,
            http: asked,
        } => {
            http = asked;
            let plan = Plan {
                start: Start::AtOnce,
                end: End::Never,
                show: Show::All { earlier: lines },
            };
            (to(&link)?, run::commands(Vec::new()), plan)
        }
        Action::People { link } => (to(&link)?, run::commands(vec![Command::People]), answers(done(None))),
        Action::Map { link, format } => {
            map = Some(format);
            (to(&link)?, run::commands(vec![]), answers(done(None)))
        }
        Action::Send { link, file } => {
            let commands = run::commands(vec![Command::Send { path: file }]);
            (
                to(&link)?,
                commands,
                Plan {
                    show: Show::All { earlier: 0 },
                    ..answers(End::Never)
                },
            )
        }
        Action::Get {
            link,
            number,
            path,
            wait,
        } => {
            let command = number.map_or(Command::Files, |number| Command::Get { number, path });
            (
                to(&link)?,
                run::commands(vec![command]),
                answers(done(wait.map(seconds))),
            )
        }
    };
    let task = Task {
        destination,
        typed,
        plan,
        http,
        map,
        person,
    };
    enter(options, task).await
}

async fn enter(options: &Options, task: Task) -> anyhow::Result<u8> {
    let Task {
        destination,
        typed,
        plan,
        http,
        map,
        person,
    } = task;
    let changed = Rc::new(Notify::new());
    let (session, running) = enter_room(options, &destination, &person, Rc::clone(&changed)).await?;
    let (late_sender, late) = mpsc::channel(LATE_WAITING_MAX);
    let (ask_sender, asks) = mpsc::channel(ASKS_WAITING_MAX);
    let (events, _) = broadcast::channel(EVENTS_WAITING_MAX);
    let _ = (&http, &ask_sender);
    let inlets = Inlets {
        typed,
        late,
        asks,
        changed,
        stop: stop_signal()?,
    };
    let room = destination.code.open().id();
    let desk = Desk::new(session, person.store.clone(), room, destination.link(), late_sender);
    let printer = Printer::new(format(options), io::stdout());
    let ended = run::Visit::new(desk, inlets, printer, events, plan).run().await;
    let (desk, outcome) = match ended {
        Ok(ended) => ended,
        // Whoever read what we print reads no more: that is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Outcome::Done.code()),
        Err(error) => return Err(error).context("nothing can be printed any more"),
    };
    if let Some(map) = map {
        draw(&desk, map)?;
    }
    explain(outcome);
    leave(desk, running).await;
    Ok(outcome.code())
}

async fn enter_room(
    options: &Options,
    destination: &Destination,
    person: &Person,
    changed: Rc<Notify>,
) -> anyhow::Result<(client::Session, Running)> {
    let stored = person.record.certificate.as_ref();
    let certificate = stored.map(Certificate::from_stored).or_else(Certificate::generate);
    let visit = terminal::Visit {
        identity: Identity::from_secret(&person.record.secret),
        certificate: certificate.context("no certificate can be made")?,
        code: destination.code.clone(),
        name: own_name(options, person),
        servers: destination.servers.clone(),
        tls: Tls::of_this_machine()?,
        store: person.store.clone(),
    };
    Ok(terminal::enter(visit, move |_| changed.notify_one()).await?)
}

/// What others call us: what was asked for, or kept, or else what the system calls its user.
fn own_name(options: &Options, person: &Person) -> String {
    let of_system = || client::validate::name(&std::env::var("USER").ok()?).ok();
    let known = options.name.clone().or_else(|| person.record.name.clone());
    known.or_else(of_system).unwrap_or_else(|| "Someone".to_owned())
}

async fn new_room(options: &Options, name: Option<String>, person: Person) -> anyhow::Result<u8> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("the system gives no random numbers")?;
    let founder = Identity::from_secret(&person.record.secret).peer_id();
    let code = RoomCode::generate(founder, &mut ChaCha20Rng::from_seed(seed));
    let destination = Destination::new(code, &options.servers)?;
    if let Some(name) = name {
        let (session, running) = enter_room(options, &destination, &person, Rc::new(Notify::new())).await?;
        session.name_room(&name)?;
        session.leave();
        drop(session);
        // The name is kept once the room was left.
        let _ = timeout(LEAVE_MAX, running.ended()).await;
    }
    let link = destination.link();
    let mut out = io::stdout();
    if options.json {
        serde_json::to_writer(&mut out, &Report::Link { link })?;
        writeln!(out)?;
    } else {
        writeln!(out, "{link}")?;
    }
    Ok(Outcome::Done.code())
}

fn format(options: &Options) -> Format {
    if options.json {
        return Format::Json;
    }
    let columns = rustix::termios::tcgetwinsize(io::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col));
    Format::Plain(Plain::new(columns))
}

fn draw(desk: &Desk, format: MapFormat) -> io::Result<()> {
    let picture = match format {
        MapFormat::Drawing => {
            let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(80, |size| usize::from(size.ws_col));
            desk.drawing(columns)
        }
        MapFormat::Svg => desk.svg(),
        MapFormat::Dot => desk.dot(),
    };
    writeln!(io::stdout(), "{}", picture.trim_end())
}

/// Says what an exit code means that is no success.
fn explain(outcome: Outcome) {
    let words = match outcome {
        Outcome::Done | Outcome::Refused => return,
        Outcome::NotDelivered => "not everybody who is there has got everything yet. The others pass it on",
        Outcome::NobodyThere => {
            "nobody was there. It is kept, and goes out when you are in the room again and somebody comes"
        }
    };
    // Nowhere else to say it.
    let _ = writeln!(io::stderr(), "starling: {words}");
}

async fn leave(desk: Desk, running: Running) {
    desk.session().leave();
    // With the last handle.
    drop(desk);
    let _ = timeout(LEAVE_MAX, running.ended()).await;
}

/// Told when the person or the system wants the program to end. The second time it ends at once.
fn stop_signal() -> io::Result<Rc<Notify>> {
    let stop = Rc::new(Notify::new());
    let stopping = Rc::clone(&stop);
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    spawn_local(async move {
        for is_second in [false, true] {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            if is_second {
                std::process::exit(i32::from(FAILED));
            }
            stopping.notify_one();
        }
    });
    Ok(stop)
}
