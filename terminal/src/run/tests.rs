//! Visits of several people in one process, from what is typed to what is printed.

use std::{cell::RefCell, path::Path};

use mesh::model::PersonState;
use shared::RoomCode;
use tokio::{
    task::{JoinHandle, LocalSet, spawn_local},
    time::timeout,
};

use super::*;
use crate::{
    cable::Cable,
    config::{ASKS_WAITING_MAX, EVENTS_WAITING_MAX, LATE_WAITING_MAX, LINES_WAITING_MAX},
    report::MessageReport,
    store::DiskStore,
};

/// What was printed.
#[derive(Debug, Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Someone at a keyboard.
struct Sitter {
    typed: Option<mpsc::Sender<Typed>>,
    paper: Paper,
    read: usize,
    stop: Rc<Notify>,
    visit: JoinHandle<Ended>,
}

const PERSON: Plan = Plan {
    start: Start::AtOnce,
    end: End::Done {
        wait: Some(Duration::from_secs(10)),
    },
    show: Show::All { earlier: 10 },
};

impl Sitter {
    fn enter(cable: &Cable, folder: &Path, who: u8, name: &str, plan: Plan) -> Self {
        let code = RoomCode::parse("a table").unwrap();
        let store = DiskStore::open(&folder.join(format!("{who}.redb"))).unwrap();
        let [changed, stop] = [(); 2].map(|()| Rc::new(Notify::new()));
        let session = cable.enter(&code, who, name, &store, Rc::clone(&changed));
        let (late_sender, late) = mpsc::channel(LATE_WAITING_MAX);
        let (typed_sender, typed) = mpsc::channel(LINES_WAITING_MAX);
        let (_, asks) = mpsc::channel(ASKS_WAITING_MAX);
        let inlets = Inlets {
            typed,
            late,
            asks,
            changed,
            stop: Rc::clone(&stop),
        };
        let desk = Desk::new(
            session,
            store,
            code.open().id(),
            "http://h/#/r/table".to_owned(),
            late_sender,
        );
        let paper = Paper::default();
        let (events, _) = broadcast::channel(EVENTS_WAITING_MAX);
        let printer = Printer::new(Format::Json, paper.clone());
        let visit = Visit::new(desk, inlets, printer, events, plan);
        Self {
            typed: Some(typed_sender),
            paper,
            read: 0,
            stop,
            visit: spawn_local(visit.run()),
        }
    }

    async fn type_in(&self, line: &str) {
        let typed = Typed::line(line).unwrap();
        self.typed.as_ref().unwrap().send(typed).await.unwrap();
    }

    /// The first report that is `wanted` of those that were not read yet; those before it are skipped.
    async fn hear<T>(&mut self, what: &str, wanted: impl Fn(Report) -> Option<T>) -> T {
        let hear = async {
            loop {
                let printed = String::from_utf8(self.paper.0.borrow().clone()).unwrap();
                for line in printed.lines().skip(self.read) {
                    self.read += 1;
                    if let Some(found) = wanted(serde_json::from_str(line).unwrap()) {
                        return found;
                    }
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        match timeout(Duration::from_secs(20), hear).await {
            Ok(found) => found,
            Err(_) => panic!("{what} was not told; all that was:\n{}", self.printed()),
        }
    }

    fn printed(&self) -> String {
        String::from_utf8(self.paper.0.borrow().clone()).unwrap()
    }

    async fn hear_message(&mut self, text: &str) -> MessageReport {
        self.hear(text, |report| match report {
            Report::Message(message) if message.text == text => Some(message),
            _ => None,
        })
        .await
    }

    async fn hear_refusal(&mut self) -> String {
        self.hear("a refusal", |report| match report {
            Report::Refused { text } => Some(text),
            _ => None,
        })
        .await
    }

    async fn hear_of(&mut self, name: &str) {
        self.hear(name, |report| match report {
            Report::Person(person) => (person.name == name && person.state == PersonState::Here.into()).then_some(()),
            _ => None,
        })
        .await;
    }

    async fn hear_complete(&mut self) {
        self.hear("a delivery", |report| match report {
            Report::Delivery(delivery) => delivery.is_complete().then_some(()),
            _ => None,
        })
        .await;
    }

    async fn hear_done(&mut self, part: &str) -> String {
        self.hear(part, |report| match report {
            Report::Done { text } if text.contains(part) => Some(text),
            _ => None,
        })
        .await
    }

    /// Links two by hand.
    async fn invite(&mut self, other: &mut Self) {
        self.type_in("/connect").await;
        let code = self.hear("an invitation", |report| match report {
            Report::Invitation { code } => Some(code),
            _ => None,
        });
        other.type_in(&format!("/connect {}", code.await)).await;
        let answer = other.hear("an answer", |report| match report {
            Report::Answer { code } => Some(code),
            _ => None,
        });
        self.type_in(&format!("/connect {}", answer.await)).await;
    }

    /// What comes after the last line.
    async fn end(mut self) -> Outcome {
        self.typed = None;
        self.visit.await.unwrap().outcome
    }
}

async fn at_a_table(story: impl AsyncFnOnce(Cable, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    LocalSet::new().run_until(story(Cable::default(), folder.path())).await;
}

#[tokio::test]
async fn three_people_meet_by_hand_talk_whisper_by_name_and_are_told_what_cannot_be() {
    at_a_table(async |cable, folder| {
        let mut ann = Sitter::enter(&cable, folder, 1, "Ann", PERSON);
        let mut bob = Sitter::enter(&cable, folder, 2, "Bob", PERSON);
        let mut cy = Sitter::enter(&cable, folder, 3, "Cy Young", PERSON);
        ann.invite(&mut bob).await;
        bob.hear_of("Ann").await;
        bob.invite(&mut cy).await;
        ann.hear_of("Cy Young").await;

        ann.type_in("hello all").await;
        ann.hear_complete().await;
        assert_eq!(cy.hear_message("hello all").await.name, "Ann");
        assert!(!bob.hear_message("hello all").await.own);
        cy.type_in("/whisper Ann psst").await;
        let whisper = ann.hear_message("psst").await;
        assert_eq!(
            (whisper.name.as_str(), whisper.to_name.as_deref()),
            ("Cy Young", Some("Ann"))
        );
        ann.type_in("/whisper Cy Young  what?").await;
        cy.hear_message("what?").await;
        assert!(!bob.printed().contains("psst"));
        ann.hear_complete().await;

        ann.type_in("/whisper foo hello").await;
        assert!(
            ann.hear_refusal()
                .await
                .starts_with("nobody called foo is here. Here are: ")
        );
        ann.type_in("/close yes").await;
        assert_eq!(ann.hear_refusal().await, "only who made this room can close it");
        ann.type_in("/people").await;
        let people = ann.hear("people", |report| match report {
            Report::People { people } => Some(people),
            _ => None,
        });
        assert_eq!(people.await.len(), 2);

        cy.type_in("/quit").await;
        assert_eq!(cy.end().await, Outcome::Done);
        // Its desk is gone with the visit, so it leaves.
        ann.hear("that Cy left", |report| match report {
            Report::Person(person) => (person.state == PersonState::Left.into()).then_some(()),
            _ => None,
        })
        .await;
        assert_eq!(ann.end().await, Outcome::Done);
    })
    .await;
}

#[tokio::test]
async fn a_file_goes_from_disk_to_disk() {
    at_a_table(async |cable, folder| {
        let mut ann = Sitter::enter(&cable, folder, 1, "Ann", PERSON);
        let mut bob = Sitter::enter(&cable, folder, 2, "Bob", PERSON);
        ann.invite(&mut bob).await;
        bob.hear_of("Ann").await;
        let (source, target) = (folder.join("notes.txt"), folder.join("got"));
        let content: Vec<u8> = (0..=250).cycle().take(700_000).collect();
        std::fs::write(&source, &content).unwrap();
        ann.type_in(&format!("/send {}", folder.join("nothing").display()))
            .await;
        assert!(ann.hear_refusal().await.contains("nothing can't be read"));
        ann.type_in(&format!("/send {}", source.display())).await;
        let offer = bob.hear_message("").await.file.unwrap();
        assert_eq!(
            (offer.number, offer.name.as_str(), offer.bytes),
            (1, "notes.txt", 700_000)
        );
        bob.type_in("/get 2").await;
        assert_eq!(bob.hear_refusal().await, "there is no file 2. /files lists them");
        bob.type_in(&format!("/get 1 {}", target.display())).await;
        // The input ends, and the file is waited for.
        bob.typed = None;
        let saved = bob.hear_done("is in").await;
        assert!(saved.contains(&target.display().to_string()), "{saved}");
        assert_eq!(std::fs::read(&target).unwrap(), content);
        assert_eq!(bob.end().await, Outcome::Done);
    })
    .await;
}

#[tokio::test]
async fn who_ends_before_a_file_has_come_is_told_that_it_has_not() {
    at_a_table(async |cable, folder| {
        let mut ann = Sitter::enter(&cable, folder, 1, "Ann", PERSON);
        let mut bob = Sitter::enter(&cable, folder, 2, "Bob", PERSON);
        ann.invite(&mut bob).await;
        bob.hear_of("Ann").await;
        let source = folder.join("notes.txt");
        std::fs::write(&source, "content").unwrap();
        ann.type_in(&format!("/send {}", source.display())).await;
        bob.hear_message("").await;
        ann.stop.notify_one();
        assert_eq!(ann.end().await, Outcome::Done);
        // Nobody is there any more who has it.
        bob.type_in(&format!("/get 1 {}", folder.join("got").display())).await;
        bob.hear_done("Fetching").await;
        bob.stop.notify_one();
        assert_eq!(bob.end().await, Outcome::Unfinished);
    })
    .await;
}

#[tokio::test]
async fn a_program_whose_file_is_not_offered_in_time_is_told_that_there_is_none() {
    at_a_table(async |cable, folder| {
        let plan = Plan {
            start: Start::Settled,
            end: End::Done {
                wait: Some(Duration::from_millis(200)),
            },
            show: Show::Answers,
        };
        let mut bob = Sitter::enter(&cable, folder, 2, "Bob", plan);
        bob.type_in(&format!("/get 1 {}", folder.join("got").display())).await;
        bob.typed = None;
        assert_eq!(bob.hear_refusal().await, "there is no file 1. /files lists them");
        assert_eq!(bob.end().await, Outcome::Refused);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_done_ends_who_came_for_that_alone() {
    at_a_table(async |cable, folder| {
        let plan = Plan {
            end: End::Refused,
            ..PERSON
        };
        let mut ann = Sitter::enter(&cable, folder, 1, "Ann", plan);
        ann.type_in(&format!("/send {}", folder.join("nothing").display()))
            .await;
        assert!(ann.hear_refusal().await.contains("nothing can't be read"));
        let ended = timeout(Duration::from_secs(10), ann.visit).await;
        assert!(ended.unwrap().unwrap().printed.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_program_says_whether_what_it_said_has_arrived() {
    at_a_table(async |cable, folder| {
        let soon = End::Done {
            wait: Some(Duration::from_millis(300)),
        };
        let plan = Plan { end: soon, ..PERSON };
        // What nobody was there for is kept.
        let ann = Sitter::enter(&cable, folder, 1, "Ann", plan);
        ann.type_in("anyone?").await;
        assert_eq!(ann.end().await, Outcome::NobodyThere);

        let mut ann = Sitter::enter(&cable, folder, 4, "Ann", PERSON);
        let mut bob = Sitter::enter(&cable, folder, 2, "Bob", PERSON);
        ann.invite(&mut bob).await;
        ann.hear_of("Bob").await;
        for number in 0..20 {
            ann.type_in(&format!("line {number}")).await;
        }
        assert_eq!(ann.end().await, Outcome::Done);
        bob.hear_message("line 19").await;
        bob.stop.notify_one();
        assert_eq!(bob.end().await, Outcome::Done);
    })
    .await;
}

#[tokio::test]
async fn who_left_is_not_waited_for_at_the_end() {
    at_a_table(async |cable, folder| {
        let patient = Plan {
            end: End::Done { wait: None },
            ..PERSON
        };
        let mut ann = Sitter::enter(&cable, folder, 1, "Ann", patient);
        let [mut bob, mut cy] =
            [(2, "Bob"), (3, "Cy")].map(|(who, name)| Sitter::enter(&cable, folder, who, name, PERSON));
        ann.invite(&mut bob).await;
        ann.invite(&mut cy).await;
        ann.hear_of("Bob").await;
        ann.hear_of("Cy").await;
        // Cy leaves before that arrives.
        cy.visit.abort();
        ann.type_in("bye").await;
        ann.hear("a delivery", |report| match report {
            Report::Delivery(delivery) => ((delivery.delivered, delivery.of) == (1, 2)).then_some(()),
            _ => None,
        })
        .await;
        let ended = timeout(Duration::from_secs(20), ann.end()).await;
        assert_eq!(ended, Ok(Outcome::NotDelivered));
    })
    .await;
}

#[tokio::test]
async fn what_was_said_before_is_shown_at_the_next_visit_as_much_as_was_asked_for() {
    at_a_table(async |cable, folder| {
        let ann = Sitter::enter(
            &cable,
            folder,
            1,
            "Ann",
            Plan {
                end: End::Done {
                    wait: Some(Duration::ZERO),
                },
                ..PERSON
            },
        );
        for number in 0..5 {
            ann.type_in(&format!("line {number}")).await;
        }
        let Sitter { typed, visit, .. } = ann;
        drop(typed);
        let desk = visit.await.unwrap().desk;
        let store = desk.store().clone();
        while !desk.session().has_written_all() {
            sleep(Duration::from_millis(5)).await;
        }
        desk.session().leave();
        drop(desk);
        store.close().await;
        let show = Show::All { earlier: 2 };
        let mut again = Sitter::enter(&cable, folder, 1, "Ann", Plan { show, ..PERSON });
        assert!(again.hear_message("line 3").await.earlier);
        assert!(again.hear_message("line 4").await.earlier);
        assert!(!again.printed().contains("line 2"));
        again.stop.notify_one();
        assert_eq!(again.end().await, Outcome::Done);
    })
    .await;
}
