//! Two connections in virtual time: what one sends is what the other takes, and nobody waits.

use std::cell::RefCell;

use client::driver::{DriverEvent, EventQueue};

use super::*;

/// How often both look at the clock.
const STEP: Duration = Duration::from_millis(50);

/// A datagram: whence, whereto, and what.
type Sent = (SocketAddr, SocketAddr, Vec<u8>);

/// What was sent and not taken yet.
#[derive(Debug, Default)]
struct Wire(RefCell<Vec<Sent>>);

impl Sink for Wire {
    fn send(&self, datagram: &Transmit) {
        let sent = (datagram.source, datagram.destination, datagram.contents.to_vec());
        self.0.borrow_mut().push(sent);
    }
}

struct End {
    connection: Connection,
    wire: Wire,
    queue: EventQueue,
}

impl End {
    fn new(port: u16, now: Instant) -> Self {
        let (events, queue) = Events::channel();
        let certificate = Certificate::generate().unwrap();
        let mut connection = Connection::new(LinkId(1), &certificate, events, now);
        let address = SocketAddr::from(([192, 0, 2, 1], port));
        connection.add_own([Candidate::host(address, Protocol::Udp).unwrap()]);
        Self {
            connection,
            wire: Wire::default(),
            queue,
        }
    }

    /// Takes what the other has sent, and does what is due.
    fn go_on(&mut self, sent: Vec<Sent>, now: Instant) -> Result<(), LinkEnd> {
        for (source, destination, contents) in sent {
            let datagram = receive(destination, source, &contents).unwrap();
            self.connection.handle_datagram(datagram, now, &self.wire)?;
        }
        self.connection.handle_timeout(now, &self.wire)
    }

    /// Whether something happened.
    fn has(&mut self, wanted: &Input) -> bool {
        let mut happened = std::iter::from_fn(|| self.queue.try_next());
        happened.any(|event| matches!(event, DriverEvent::Input(input) if input == *wanted))
    }
}

/// Both go on for so long.
fn both(ends: &mut [End; 2], now: &mut Instant, span: Duration) {
    let until = *now + span;
    while *now < until {
        *now += STEP;
        let [of_one, of_other] = ends.each_ref().map(|end| end.wire.0.take());
        let [one, other] = ends;
        assert_eq!(one.go_on(of_other, *now), Ok(()));
        assert_eq!(other.go_on(of_one, *now), Ok(()));
    }
}

#[test]
fn a_link_that_opened_stays() {
    let mut now = Instant::now();
    let mut ends = [End::new(1, now), End::new(2, now)];
    let [one, other] = &mut ends;
    let offer = one.connection.take(Step::Offer).unwrap().unwrap();
    let answer = other.connection.take(Step::Accept { sdp: offer }).unwrap().unwrap();
    one.connection.take(Step::Answer { sdp: answer }).unwrap();
    for line in one.connection.own_lines() {
        other.connection.add_remote(Remote::read(&line));
    }
    for line in other.connection.own_lines() {
        one.connection.add_remote(Remote::read(&line));
    }
    both(&mut ends, &mut now, Duration::from_secs(5));
    assert!(ends[0].has(&Input::LinkOpen { link: LinkId(1) }));
    // Whatever had a deadline when the link was made is over.
    both(&mut ends, &mut now, Duration::from_secs(120));
    ends[0].connection.send(b"still here").unwrap();
    both(&mut ends, &mut now, Duration::from_secs(1));
    let bytes = b"still here".as_slice().into();
    assert!(ends[1].has(&Input::Fragment { link: LinkId(1), bytes }));
}
