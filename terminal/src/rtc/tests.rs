use std::{net::SocketAddr, rc::Rc};

use client::driver::{DriverEvent, EventQueue};
use mesh::config::FILE_CHANNEL_LOW_BYTES;
use tokio::{net::UdpSocket, task::LocalSet};

use super::*;

/// Anything that takes longer has failed. Never waited for in a test that passes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A transport, and what comes of it.
struct End {
    transport: Transport,
    queue: EventQueue,
}

impl End {
    fn new() -> Self {
        let (events, queue) = Events::channel();
        let certificate = Certificate::generate().unwrap();
        let transport = Transport::new(certificate, Loopback::Offered, events);
        Self { transport, queue }
    }

    async fn next(&mut self) -> Input {
        match timeout(PATIENCE, self.queue.next()).await.expect("something happens") {
            Some(DriverEvent::Input(input)) => input,
            other => panic!("{other:?}"),
        }
    }

    /// Goes on until something happens that is waited for.
    async fn until(&mut self, is_it: impl Fn(&Input) -> bool) -> Input {
        loop {
            let input = self.next().await;
            if is_it(&input) {
                return input;
            }
        }
    }

    async fn description(&mut self) -> String {
        let input = self
            .until(|input| matches!(input, Input::LocalDescription { .. }))
            .await;
        let Input::LocalDescription { sdp, .. } = input else {
            panic!()
        };
        sdp
    }

    /// Candidates of ours, until all are told.
    async fn candidates(&mut self) -> Vec<Line> {
        let mut all = Vec::new();
        while all.last() != Some(&Line::end()) {
            let input = self.until(|input| matches!(input, Input::LocalCandidates { .. })).await;
            let Input::LocalCandidates { candidates, .. } = input else {
                panic!()
            };
            all.extend(candidates);
        }
        all
    }

    async fn until_open(&mut self, link: LinkId) {
        let (mut control, mut files) = (false, false);
        while !(control && files) {
            let input = self.next().await;
            control |= input == Input::LinkOpen { link };
            files |= input == Input::FilesOpen { link };
            assert!(
                !matches!(input, Input::LinkClosed { link: over, .. } if over == link),
                "{input:?}"
            );
        }
    }

    fn give(&self, link: LinkId, candidates: Vec<Line>) {
        self.transport.step(link, Step::Candidates { candidates });
    }
}

/// Links two ends, under one number.
async fn link(one: &mut End, other: &mut End, link: LinkId) {
    one.transport.connect(link, &[]).unwrap();
    one.transport.step(link, Step::Offer);
    let sdp = one.description().await;
    other.transport.connect(link, &[]).unwrap();
    other.transport.step(link, Step::Accept { sdp });
    let sdp = other.description().await;
    one.transport.step(link, Step::Answer { sdp });
    other.give(link, one.candidates().await);
    one.give(link, other.candidates().await);
    one.until_open(link).await;
    other.until_open(link).await;
}

/// Says something, and waits until it is there.
async fn say(from: &End, to: &mut End, link: LinkId, what: &[u8]) {
    from.transport.transmit(link, what).unwrap();
    let expected = Input::Fragment {
        link,
        bytes: what.into(),
    };
    to.until(|input| *input == expected).await;
}

#[tokio::test]
async fn both_channels_of_a_link_open_and_ice_restarts() {
    let all = async {
        let (mut one, mut other) = (End::new(), End::new());
        let number = LinkId(1);
        link(&mut one, &mut other, number).await;
        say(&one, &mut other, number, b"there").await;
        say(&other, &mut one, number, b"back").await;

        one.transport.step(number, Step::Restart);
        let sdp = one.description().await;
        other.transport.step(number, Step::Accept { sdp });
        let sdp = other.description().await;
        one.transport.step(number, Step::Answer { sdp });
        other.give(number, one.candidates().await);
        one.give(number, other.candidates().await);
        let connected = Input::LinkPath {
            link: number,
            path: mesh::io::Path::Connected,
        };
        one.until(|input| *input == connected).await;
        say(&one, &mut other, number, b"again").await;
        say(&other, &mut one, number, b"and again").await;
    };
    LocalSet::new().run_until(all).await;
}

#[tokio::test]
async fn a_bug_in_one_connection_ends_that_link_alone() {
    let all = async {
        let (mut one, mut other) = (End::new(), End::new());
        let (sick, sound) = (LinkId(1), LinkId(2));
        link(&mut one, &mut other, sick).await;
        let mut third = End::new();
        link(&mut one, &mut third, sound).await;

        one.transport.panic(sick);
        let (link, end) = (sick, LinkEnd::Failed);
        one.until(|input| *input == Input::LinkClosed { link, end }).await;
        say(&one, &mut third, sound, b"there").await;
        say(&third, &mut one, sound, b"back").await;
        // Nothing comes of what is still asked of it.
        one.transport.transmit(sick, b"there").unwrap();
        one.transport.hang_up(sick);
    };
    LocalSet::new().run_until(all).await;
}

#[tokio::test]
async fn of_two_links_between_the_same_sockets_the_newer_works() {
    let all = async {
        let (mut one, mut other) = (End::new(), End::new());
        link(&mut one, &mut other, LinkId(1)).await;
        link(&mut one, &mut other, LinkId(2)).await;
        say(&one, &mut other, LinkId(2), b"there").await;
        say(&other, &mut one, LinkId(2), b"back").await;
        one.transport.drop_connection(LinkId(1));
        other.transport.drop_connection(LinkId(1));
        say(&one, &mut other, LinkId(2), b"still there").await;
    };
    LocalSet::new().run_until(all).await;
}

#[tokio::test]
async fn datagrams_of_strangers_cost_a_link_nothing() {
    let all = async {
        let (mut one, mut other) = (End::new(), End::new());
        let number = LinkId(1);
        link(&mut one, &mut other, number).await;
        let targets = one.transport.shared.state.borrow().sockets.addresses();
        let v4 = targets
            .iter()
            .copied()
            .find(|target| target.ip().is_loopback() && target.is_ipv4());
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let far_end = other.transport.shared.state.borrow().sockets.addresses();
        let mut byte = 7_u32;
        for round in 0..2_000_u32 {
            // What each first byte stands for (RFC 7983 §7), and anything after it.
            let first = [0, 1, 20, 22, 23, 63, 128, 192][round as usize % 8];
            let bytes: Vec<u8> = std::iter::once(first)
                .chain((0..round % 1_400).map(|_| {
                    byte = byte.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (byte >> 24) as u8
                }))
                .collect();
            stranger.send_to(&bytes, v4.unwrap()).await.unwrap();
            // As if it came from the peer: addresses can be forged.
            for (local, source) in targets.iter().zip(&far_end) {
                one.transport.shared.handle_datagram(*local, *source, &bytes);
            }
        }
        say(&other, &mut one, number, b"there").await;
        say(&one, &mut other, number, b"back").await;
    };
    LocalSet::new().run_until(all).await;
}

#[tokio::test]
async fn who_is_hung_up_on_gets_what_was_sent_before() {
    let all = async {
        let (mut one, mut other) = (End::new(), End::new());
        let number = LinkId(1);
        link(&mut one, &mut other, number).await;
        for at in 0..100_u8 {
            one.transport.transmit(number, &[at; 10_000]).unwrap();
        }
        one.transport.hang_up(number);
        for at in 0..100_u8 {
            let bytes: Rc<[u8]> = [at; 10_000].into();
            let expected = Input::Fragment { link: number, bytes };
            other.until(|input| *input == expected).await;
        }
        let (link, end) = (number, LinkEnd::ClosedByPeer);
        other.until(|input| *input == Input::LinkClosed { link, end }).await;
        one.transport.flushed().await;
        assert!(one.transport.shared.state.borrow().connections.is_empty());
    };
    LocalSet::new().run_until(all).await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_told_of_once_its_queue_is_full() {
    let all = async {
        let end = End::new();
        let number = LinkId(1);
        end.transport.connect(number, &[]).unwrap();
        let message = [0; 16 * 1024];
        let taken = (0..).find(|_| end.transport.transmit(number, &message) == Err(SlowReader));
        assert_eq!(taken, Some(client::config::QUEUED_BYTES_MAX / message.len()));
    };
    LocalSet::new().run_until(all).await;
}

#[tokio::test]
async fn the_channel_for_files_says_when_little_waits_and_only_then() {
    let all = async {
        let (mut one, mut other) = (End::new(), End::new());
        let number = LinkId(1);
        link(&mut one, &mut other, number).await;
        let block = [9; 16 * 1024];
        // Little: at once.
        one.transport.transmit_file(number, &block);
        let writable = Input::FileWritable { link: number };
        one.until(|input| *input == writable).await;
        // Much: after the peer has taken the most of it, once.
        let blocks = 2 * FILE_CHANNEL_LOW_BYTES / block.len();
        for _ in 0..blocks {
            one.transport.transmit_file(number, &block);
        }
        let reading = async {
            for _ in 0..=blocks {
                other.until(|input| matches!(input, Input::FileFragment { .. })).await;
            }
        };
        tokio::join!(one.until(|input| *input == writable), reading);
        one.transport.drop_connection(number);
        while let Some(event) = one.queue.try_next() {
            assert_ne!(event, DriverEvent::Input(Input::FileWritable { link: number }));
        }
    };
    LocalSet::new().run_until(all).await;
}

#[tokio::test]
async fn a_stun_server_tells_how_we_look_from_outside() {
    let all = async {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let mut end = End::new();
        let number = LinkId(1);
        let urls = vec![format!("stun:{address}"), "turn:turn.example:3478".to_owned()];
        let named = IceServer {
            urls,
            username: None,
            credential: None,
        };
        end.transport.connect(number, &[named]).unwrap();
        end.transport.step(number, Step::Offer);
        let answering = async {
            let mut request = [0; 64];
            // The first one gets lost.
            server.recv_from(&mut request).await.unwrap();
            let (length, source) = server.recv_from(&mut request).await.unwrap();
            assert_eq!(length, 20);
            let mut answer = request[..20].to_vec();
            answer[..4].copy_from_slice(&[1, 1, 0, 12]);
            // 203.0.113.7:6000, masked.
            answer.extend([0, 0x20, 0, 8, 0, 1]);
            answer.extend((6_000_u16 ^ 0x2112).to_be_bytes());
            answer.extend([203 ^ 0x21, 0x12, 113 ^ 0xa4, 7 ^ 0x42]);
            server.send_to(&answer, source).await.unwrap();
            source
        };
        let (base, candidates): (SocketAddr, _) = tokio::join!(answering, end.candidates());
        assert!(base.ip().is_loopback());
        let reflexive = candidates.iter().filter(|line| line.line.contains(" typ srflx"));
        let reflexive: Vec<_> = reflexive.map(|line| line.line.as_str()).collect();
        assert_eq!(reflexive.len(), 1, "{candidates:?}");
        assert!(reflexive[0].contains(" 203.0.113.7 6000 typ srflx"), "{reflexive:?}");
        let hosts = candidates.iter().filter(|line| line.line.contains(" typ host")).count();
        assert_eq!(hosts + 2, candidates.len(), "each is told once: {candidates:?}");
    };
    LocalSet::new().run_until(all).await;
}
