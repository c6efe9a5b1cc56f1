//! The program `starling`: a room in a terminal.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
};

use anyhow::Context as _;
use chacha20::{ChaCha20Rng, rand_core::SeedableRng as _};
use clap::Parser as _;
use client::store::Store as _;
use shared::{Identity, RoomCode, signal::IceServer};
use terminal::{
    Running,
    args::{self, Action, Cli, IdentityAction, MapFormat, Options, PassphraseChange},
    config::{ASKS_WAITING_MAX, EVENTS_WAITING_MAX, LATE_WAITING_MAX, RESTORE_MAX},
    desk::Desk,
    direct::{OpenError, Ways},
    errand::Errand,
    further,
    home::{Home, HomeError, Person},
    http,
    line::plain::Plain,
    link::Destination,
    listener::Listener,
    passphrase::Source,
    platform,
    report::Report,
    rtc::Certificate,
    run::{self, Ended, Format, Inlets, Outcome, Outlet, Printer},
    screen::{self, Inbox, Screen},
    take_along::{self, Replace},
    tls::Tls,
};
use tokio::{
    runtime,
    sync::{Notify, broadcast, mpsc},
    task::{LocalSet, spawn_blocking, spawn_local},
};
use tracing_subscriber::EnvFilter;

/// What a failure of the program ends with.
// No limit: an exit code.
const FAILED: u8 = 1;
/// What a mistake on the command line ends with.
// No limit: an exit code.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("STARLING_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log)
        .init();
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.context("the program cannot start").and_then(|runtime| {
        let ended = LocalSet::new().block_on(&runtime, start(cli));
        // The store is closed. Nothing else is waited for: a system call that does not come back, say.
        runtime.shutdown_background();
        ended
    });
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

/// Where the log goes: nowhere while the screen has the terminal that it would go to.
fn log() -> Box<dyn io::Write> {
    if screen::is_up() && io::stderr().is_terminal() {
        Box::new(io::sink())
    } else {
        Box::new(io::stderr())
    }
}

async fn start(cli: Cli) -> anyhow::Result<u8> {
    let Cli { options, command } = cli;
    if let Action::Load(load) = &command {
        return make_load(&options, load).await;
    }
    if let Action::Identity { action } = command {
        let done = move_identity(&options, action).await?;
        writeln!(io::stderr(), "* {done}")?;
        return Ok(Outcome::Done.code());
    }
    let mut person = claim(&options).await?;
    if let Some(name) = &options.name {
        person.save_name(name).await.context("your name cannot be kept")?;
    }
    if let Action::Archive(archive) = &command {
        let ended = keep_rooms(&options, archive, &person).await;
        person.store.close().await;
        return ended;
    }
    if let Action::Passphrase {
        change,
        new_passphrase_file,
    } = command
    {
        let changed = change_passphrase(&mut person, change, new_passphrase_file).await;
        person.store.close().await;
        return changed;
    }
    let room = if let Action::New { room } = &command {
        room.clone()
    } else {
        None
    };
    let ended = match Errand::of(command, &options)? {
        Some(errand) => visit(&options, errand, &person).await,
        None => new_room(&options, room, &person).await,
    };
    person.store.close().await;
    ended
}

/// Takes the person that was asked for.
async fn claim(options: &Options) -> Result<Person, HomeError> {
    let make = || Some(Certificate::generate()?.to_stored());
    let source = Source::of(options.passphrase_file.clone());
    let home = Home::find(options.data_dir.clone())?;
    home.claim_with(options.person, &source, make).await
}

async fn move_identity(options: &Options, action: IdentityAction) -> anyhow::Result<String> {
    let (person, done) = match action {
        IdentityAction::Export {
            file,
            new_passphrase_file,
        } => {
            let person = claim(options).await?;
            let done = take_along::export(&person, &file, new_passphrase_file).await;
            (person, done)
        }
        IdentityAction::Import {
            file,
            file_passphrase_file,
            replace,
        } => {
            // Before somebody is made here who would be in the way.
            let other = take_along::open(&file, file_passphrase_file).await?;
            let meant = if replace { Replace::Meant } else { Replace::NotMeant };
            let mut person = claim(options).await?;
            let done = take_along::become_other(&mut person, other, meant).await;
            (person, done)
        }
    };
    person.store.close().await;
    Ok(done?)
}

async fn change_passphrase(person: &mut Person, change: PassphraseChange, file: Option<PathBuf>) -> anyhow::Result<u8> {
    let words = match change {
        PassphraseChange::Set => {
            person.set_passphrase(&Source::of(file).ask_new()?).await?;
            "Your identity is under this passphrase now. Whoever forgets it begins anew: nobody can reset it."
        }
        PassphraseChange::Remove => {
            person.remove_passphrase().await?;
            "Your identity has no passphrase any more."
        }
    };
    writeln!(io::stderr(), "* {words}")?;
    Ok(Outcome::Done.code())
}

async fn visit(options: &Options, errand: Errand, person: &Person) -> anyhow::Result<u8> {
    let Errand {
        link,
        typed,
        keyboard,
        plan,
        http,
        map,
    } = errand;
    let tls = Tls::of_this_machine()?;
    let mut destination = destination(options, &link, &tls).await?;
    let ways = open(options, &mut destination, person).await?;
    let (changed, inbox) = (Rc::new(Notify::new()), Inbox::default());
    let (to_visit, to_screen) = (Rc::clone(&changed), inbox.clone());
    let on_change = move || {
        to_visit.notify_one();
        to_screen.nudge();
    };
    let (session, running) = enter_room(options, &destination, person, &tls, on_change).await?;
    let (late_sender, late) = mpsc::channel(LATE_WAITING_MAX);
    let (ask_sender, asks) = mpsc::channel(ASKS_WAITING_MAX);
    let (events, _) = broadcast::channel(EVENTS_WAITING_MAX);
    let answering = http::start(&http, &person.folder, ask_sender, events.clone()).await?;
    if let Some(text) = answering.as_ref().map(|answering| answering.words.clone()) {
        writeln!(io::stderr(), "* {text}")?;
        inbox.push(&Report::Done { text });
    }
    let inlets = Inlets {
        typed,
        late,
        asks,
        changed,
        stop: stop_signal()?,
    };
    let (stop, room) = (Rc::clone(&inlets.stop), destination.code.open().id());
    if let Some(listener) = &ways.listener {
        inbox.push(&door_told(listener));
    }
    let as_what = (destination.title(), ways.meeting);
    let shown = keyboard.map(|keyboard| Screen::open(session.clone(), as_what, keyboard, inbox.clone()));
    let shown = shown
        .transpose()
        .context("the terminal cannot show the room. Try --plain")?;
    let mut desk = Desk::new(session, person.store.clone(), room, destination.link(), late_sender);
    desk.meet(ways.meeting, ways.bootnodes);
    let mut outlet = Outlet::start(io::stdout(), missed_line(options))?;
    let format = if shown.is_some() {
        Format::Screen(inbox)
    } else {
        format(options)
    };
    let printer = Printer::new(format, outlet.clone());
    let visit = run::Visit::new(desk, inlets, printer, events, plan).run();
    let Ended { desk, outcome, printed } = match shown {
        Some(screen) => screen.beside(visit, Rc::clone(&stop)).await,
        None => visit.await,
    };
    let printed = printed.and_then(|()| map.map_or(Ok(()), |map| draw(&desk, map, &mut outlet)));
    let (forgets, is_kept) = (desk.forgets(), desk.session().room().kept);
    leave(desk, running).await;
    if forgets {
        let forgotten = person.store.forget(&room).await;
        forgotten.context("what is kept of this room cannot be forgotten. Try again")?;
    }
    explain(outcome, is_kept);
    finish(outlet, &stop).await;
    code(outcome, printed)
}

fn door_told(listener: &Listener) -> Report {
    let text = format!("Peers can come here: --bootnodes HOST:{}", listener.address().port());
    Report::Done { text }
}

/// The exit code, unless nothing could be printed any more.
fn code(outcome: Outcome, printed: io::Result<()>) -> anyhow::Result<u8> {
    match printed {
        // Whoever read what we print reads no more: that is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("nothing can be printed any more")
        }
        Ok(()) | Err(_) => Ok(outcome.code()),
    }
}

/// Whoever reads slowly gets the rest, unless the person does not want to wait.
async fn finish(outlet: Outlet, stop: &Notify) {
    let finishing = spawn_blocking(move || outlet.finish());
    tokio::select! {
        _ = finishing => {}
        () = stop.notified() => {}
    }
}

/// Which room is meant, and which servers are asked.
async fn destination(options: &Options, link: &str, tls: &Tls) -> anyhow::Result<Destination> {
    let mut destination = options.direct.destination(link, &options.servers)?;
    destination.servers = further::add(&destination.servers, tls).await;
    Ok(destination)
}

/// Opens the door to which others come, if that is asked for, and says how they do.
async fn open(options: &Options, destination: &mut Destination, person: &Person) -> anyhow::Result<Ways> {
    let me = Identity::from_secret(&person.record.secret).peer_id();
    let ways = match options.direct.open(destination, me).await {
        // A mistake on the command line has an exit code of its own.
        Err(OpenError::Link(error)) => return Err(error.into()),
        opened => opened?,
    };
    if let Some(listener) = &ways.listener {
        let (address, port) = (listener.address(), listener.address().port());
        let bootnodes = format!("--bootnodes HOST:{port}");
        writeln!(
            io::stderr(),
            "* Peers can come to {address}: they name this machine with {bootnodes}"
        )?;
    }
    Ok(ways)
}

async fn enter_room(
    options: &Options,
    destination: &Destination,
    person: &Person,
    tls: &Tls,
    on_change: impl Fn() + 'static,
) -> anyhow::Result<(client::Session, Running)> {
    let visit = visit_of(destination, options, person, tls)?;
    let asked = options.ice_servers.iter().map(|url| IceServer {
        urls: vec![url.clone()],
        username: None,
        credential: None,
    });
    Ok(terminal::enter_with(visit, asked.collect(), move |_| on_change()).await?)
}

fn visit_of(
    destination: &Destination,
    options: &Options,
    person: &Person,
    tls: &Tls,
) -> anyhow::Result<terminal::Visit<terminal::store::DiskStore>> {
    let stored = person.record.certificate.as_ref();
    let certificate = stored.map(Certificate::from_stored).or_else(Certificate::generate);
    Ok(terminal::Visit {
        identity: Identity::from_secret(&person.record.secret),
        certificate: certificate.context("no certificate can be made")?,
        code: destination.code.clone(),
        name: own_name(options, person),
        servers: destination.servers.clone(),
        tls: tls.clone(),
        store: person.store.clone(),
        keeps: mesh::config::Keeps::default(),
    })
}

/// What others call us: what was asked for, or kept, or else what the system calls its user.
fn own_name(options: &Options, person: &Person) -> String {
    let of_system = || client::validate::name(&std::env::var("USER").ok()?).ok();
    let known = options.name.clone().or_else(|| person.record.name.clone());
    known.or_else(of_system).unwrap_or_else(|| "Someone".to_owned())
}

async fn new_room(options: &Options, name: Option<String>, person: &Person) -> anyhow::Result<u8> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("the system gives no random numbers")?;
    let founder = Identity::from_secret(&person.record.secret).peer_id();
    let code = RoomCode::generate(founder, &mut ChaCha20Rng::from_seed(seed));
    let destination = if options.servers.is_empty() && options.direct.is_asked_for() || options.direct.no_server {
        Destination::without_server(code)
    } else {
        Destination::new(code, &options.servers)?
    };
    if let Some(name) = name {
        let (session, running) = enter_room(options, &destination, person, &Tls::of_this_machine()?, || ()).await?;
        session.name_room(&name)?;
        session.leave();
        // The name is kept once the room was left.
        platform::leave([(session, running)]).await;
    }
    let link = destination.link();
    if options.json {
        Printer::new(Format::Json, io::stdout()).print(&Report::Link { link })?;
    } else {
        writeln!(io::stdout(), "{link}")?;
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

fn draw(desk: &Desk, format: MapFormat, out: &mut Outlet) -> io::Result<()> {
    let picture = match format {
        MapFormat::Drawing => {
            let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(80, |size| usize::from(size.ws_col));
            desk.drawing(columns)
        }
        MapFormat::Svg => desk.svg(),
        MapFormat::Dot => desk.dot(),
    };
    writeln!(out, "{}", picture.trim_end())?;
    out.flush()
}

/// Makes the line that says how many were not printed, because nobody read for so long.
fn missed_line(options: &Options) -> fn(u64) -> String {
    if options.json {
        |missed| format!("{{\"type\":\"lagged\",\"missed\":{missed}}}\n")
    } else {
        |missed| format!("* {missed} lines were left out: nobody read them in time. /history has what was said\n")
    }
}

/// Keeps rooms for everybody.
async fn keep_rooms(options: &Options, archive: &args::Archive, person: &Person) -> anyhow::Result<u8> {
    let name = options.name.clone().or_else(|| person.record.name.clone());
    let mut visits = Vec::new();
    let takes_all = options.direct.listen.is_none() && options.ice_servers.is_empty();
    anyhow::ensure!(takes_all, "an archive takes neither --listen nor --ice-server");
    let tls = Tls::of_this_machine()?;
    let bootnodes = options.direct.servers(None).await?;
    for link in &archive.links {
        let mut destination = destination(options, link, &tls).await?;
        destination.servers.extend(bootnodes.iter().cloned());
        visits.push(terminal::Visit {
            name: name.clone().unwrap_or_else(|| "Archive".to_owned()),
            keeps: archive.keeps(),
            ..visit_of(&destination, options, person, &tls)?
        });
    }
    terminal::archive::run(visits, archive.plan(), &*stop_signal()?, &mut io::stdout()).await?;
    Ok(Outcome::Done.code())
}

/// Runs a load. Its peers are nobody of this machine.
async fn make_load(options: &Options, load: &args::Load) -> anyhow::Result<u8> {
    anyhow::ensure!(!options.direct.is_asked_for(), "a load goes by a server alone");
    let destination = Destination::parse(&load.link, &options.servers)?;
    let figures = terminal::load::run(destination, load.plan(), &*stop_signal()?).await?;
    if options.json {
        writeln!(io::stdout(), "{}", figures.json())?;
    } else {
        write!(io::stdout(), "{figures}")?;
    }
    let outcome = if figures.are_good() {
        Outcome::Done
    } else {
        Outcome::NotDelivered
    };
    Ok(outcome.code())
}

/// Says what an exit code means that is no success.
fn explain(outcome: Outcome, is_kept: bool) {
    let words = match outcome {
        Outcome::Done | Outcome::Refused => return,
        Outcome::NotDelivered => "not everybody who is there has got everything yet. The others pass it on",
        Outcome::Unfinished => "not everything was done. What has come of a file is kept: the next try goes on with it",
        Outcome::NobodyThere if is_kept => {
            "nobody was there. It is kept, and goes out when you are in the room again and somebody comes"
        }
        Outcome::NobodyThere => "nobody was there. It could not be kept, and is gone: say it again",
    };
    // Nowhere else to say it, and a terminal that does not read is not waited for.
    if let Ok(mut to) = Outlet::start(io::stderr(), |_| String::new()) {
        let _ = writeln!(to, "starling: {words}").and_then(|()| to.flush());
        to.wait_taken(RESTORE_MAX);
    }
}

async fn leave(desk: Desk, running: Running) {
    let session = desk.session().clone();
    session.leave();
    drop(desk);
    platform::leave([(session, running)]).await;
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
                screen::restore();
                std::process::exit(i32::from(FAILED));
            }
            stopping.notify_one();
        }
    });
    Ok(stop)
}
