use chacha20::rand_core::SeedableRng;

use super::{
    super::{
        evidence::{Evidence, Ways},
        session::{Certificates, Role},
    },
    *,
};
use crate::{
    context::{Context, test::peer},
    io::Candidate,
};

const ID: SessionId = SessionId::from_bytes([1; 16]);

fn at(millis: u64) -> Instant {
    Instant::from_millis(100_000 + millis)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Wanted for a minute from `at(0)` on.
fn contact() -> Contact {
    Contact::new(None, at(60_000))
}

/// A session that began at `at(0)` and was answered; both know a way in.
fn agreed(link: u64) -> Session {
    let mapped = Candidate {
        line: "candidate:2 1 udp 9 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0".into(),
        mid: None,
    };
    let ways = Ways::of(&[mapped]);
    let evidence = Evidence {
        asked: true,
        relay_asked: false,
        ours: ways.clone(),
        theirs: ways,
    };
    let (cx, link) = (Context::test(1), LinkId(link));
    Session::agreed(&cx, Role::Offerer, ID, link, Certificates::default()).with_evidence(evidence)
}

/// A session that began at `at(0)` and waits for its answer.
fn unanswered(link: u64) -> Session {
    let (cx, mut out) = (Context::test(1), Vec::new());
    let mut session = Session::start(&cx, ID, LinkId(link), vec![], false, &mut out);
    session.handle_description("offer".into(), at(0), &cx.timing, &mut out);
    session
}

fn link(id: u64) -> Link {
    Link::new(LinkId(id), peer(2), at(0), &Timing::default())
}

fn linked(id: u64) -> Contact {
    let mut contact = contact();
    contact.begin(agreed(id));
    assert!(contact.open(link(id)).is_none());
    contact
}

#[test]
fn the_wait_after_a_failure_doubles_up_to_the_longest_and_is_drawn_from_its_upper_half() {
    let timing = Timing::default();
    for seed in 0..50 {
        let mut contact = Contact::new(None, at(u64::from(u32::MAX)));
        for (failures, wait) in (1..).zip([1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]) {
            contact.begin(unanswered(1));
            contact.fail(at(0), &timing, &mut rng(seed));
            assert!(contact.attempt().is_none());
            assert_eq!(contact.failures(), failures);
            let retry_at = contact.poll_timeout().unwrap();
            assert!(
                (at(wait / 2)..=at(wait)).contains(&retry_at),
                "{retry_at:?} after {failures}"
            );
            assert!(!contact.is_eligible(at(wait / 2 - 1)) && contact.is_eligible(at(wait)));
        }
    }
}

#[test]
fn no_attempt_follows_a_failure_past_the_time_for_which_the_peer_is_wanted() {
    let timing = Timing::default();
    for (wanted_until, follows) in [(at(500), false), (at(1_001), true)] {
        let mut contact = Contact::new(None, wanted_until);
        contact.begin(unanswered(1));
        contact.fail(at(0), &timing, &mut rng(1));
        assert_eq!(contact.poll_timeout().is_some(), follows);
    }
}

#[test]
fn a_search_is_explained_after_a_while_also_if_its_attempts_fail_sooner() {
    let mut contact = contact();
    let due = at(0) + EXPLAIN_AFTER;
    contact.begin(unanswered(1));
    assert!(!contact.explain(at(7_999)));
    contact.fail(at(6_000), &Timing::default(), &mut rng(1));
    assert!(!contact.explain(due), "there is nothing to judge by");
    contact.begin(unanswered(2));
    assert!(contact.poll_timeout().is_some_and(|at| at <= due));
    assert!(contact.explain(due));
    assert_eq!(contact.search_state(), LinkState::Blocked(Obstacle::NoAnswer));
    assert!(!contact.explain(due), "said already");
    contact.fail(due, &Timing::default(), &mut rng(1));
    contact.begin(agreed(3));
    contact.fail(due, &Timing::default(), &mut rng(1));
    assert_eq!(
        contact.search_state(),
        LinkState::Blocked(Obstacle::Firewall),
        "they answered at last"
    );
}

/// A session that began at `at(0)` with the peer's offer and describes itself.
fn answering(link: u64) -> Session {
    let mut out = Vec::new();
    Session::answer(&Context::test(1), ID, LinkId(link), vec![], "offer".into(), &mut out)
}

#[test]
fn who_made_an_offer_is_not_said_to_be_silent() {
    let mut contact = contact();
    contact.begin(answering(1));
    assert!(!contact.explain(at(9_000)), "the answer is being made");
    assert!(
        contact.poll_timeout().is_some_and(|due| due > at(9_000)),
        "nor looked at before"
    );
    let timing = Timing::default();
    let session = contact.session_with(ID).unwrap();
    session.handle_description("answer".into(), at(9_000), &timing, &mut Vec::new());
    assert!(contact.explain(at(9_000)));
    assert_eq!(contact.search_state(), LinkState::Blocked(Obstacle::NoStun));
}

#[test]
fn what_was_found_by_attempts_that_were_answered_counts_more_than_silence() {
    let timing = Timing::default();
    let blocked = |contact: &Contact| contact.search_state();
    let mut contact = contact();
    contact.begin(agreed(1));
    contact.fail(at(3_000), &timing, &mut rng(1));
    assert_eq!(blocked(&contact), LinkState::None);
    contact.begin(unanswered(2));
    assert!(contact.explain(at(8_000)));
    assert_eq!(blocked(&contact), LinkState::Blocked(Obstacle::Firewall));
    contact.fail(at(8_000), &timing, &mut rng(1));
    assert_eq!(blocked(&contact), LinkState::Blocked(Obstacle::Firewall));
    // Another network says otherwise.
    let mut session = answering(3);
    session.handle_description("answer".into(), at(9_000), &timing, &mut Vec::new());
    contact.begin(session);
    contact.fail(at(20_000), &timing, &mut rng(1));
    assert_eq!(blocked(&contact), LinkState::Blocked(Obstacle::NoStun));
    // The next search begins anew.
    contact.end_search();
    contact.begin(unanswered(4));
    assert!(contact.explain(at(30_000)));
    assert_eq!(blocked(&contact), LinkState::Blocked(Obstacle::NoAnswer));
}

#[test]
fn an_open_link_forgives_all_failures_and_ends_the_search() {
    let mut contact = contact();
    for _ in 0..2 {
        contact.begin(agreed(1));
        contact.fail(at(0), &Timing::default(), &mut rng(1));
    }
    contact.begin(agreed(1));
    assert!(contact.explain(at(8_000)));
    assert_eq!(contact.search_state(), LinkState::Blocked(Obstacle::Firewall));
    contact.open(link(1));
    assert_eq!((contact.failures(), contact.is_blocked()), (0, false));
    contact.begin(agreed(2));
    assert!(!contact.explain(at(90_000)), "it is linked");
}

#[test]
fn nothing_stands_in_the_way_of_who_is_not_sought() {
    for end in [
        |contact: &mut Contact| contact.unwant(at(8_000)),
        |contact: &mut Contact| contact.shun(at(9_000)),
        |contact: &mut Contact| contact.defer(at(8_000), millis(1), &Timing::default()),
        |contact: &mut Contact| contact.fail(at(59_999), &Timing::default(), &mut rng(1)),
        |contact: &mut Contact| assert!(contact.rest_until(at(70_000)), "it was sought"),
    ] {
        let mut contact = contact();
        contact.begin(agreed(1));
        assert!(contact.explain(at(8_000)));
        end(&mut contact);
        assert!(!contact.is_blocked());
    }
}

#[test]
fn the_first_loss_is_made_good_at_once_only_where_there_is_nobody_else() {
    let (timing, age) = (Timing::default(), millis(60_000));
    let mut alone = contact();
    assert_eq!(
        alone.lose(at(70_000), age, Alone::Yes, &timing, &mut rng(1)),
        Duration::ZERO
    );
    assert_eq!(alone.poll_timeout(), Some(at(70_000)));
    assert_eq!(alone.wanted_until(), at(70_000) + timing.session_retry_for);
    for seed in 0..50 {
        let mut other = contact();
        let wait = other.lose(at(70_000), age, Alone::No, &timing, &mut rng(seed));
        assert!((millis(500)..=millis(1_000)).contains(&wait), "{wait:?}");
        assert_eq!(other.poll_timeout(), Some(at(70_000) + wait));
    }
}

#[test]
fn links_that_are_lost_soon_after_they_open_are_made_good_later_and_later() {
    let timing = Timing::default();
    let brief = timing.link_dead - millis(1);
    let mut contact = contact();
    assert_eq!(
        contact.lose(at(0), brief, Alone::Yes, &timing, &mut rng(1)),
        Duration::ZERO
    );
    for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000].map(millis) {
        let drawn = contact.lose(at(0), brief, Alone::Yes, &timing, &mut rng(1));
        assert!((wait / 2..=wait).contains(&drawn), "{drawn:?} of {wait:?}");
    }
    let long = timing.link_dead;
    assert_eq!(
        contact.lose(at(0), long, Alone::Yes, &timing, &mut rng(1)),
        Duration::ZERO
    );
}

#[test]
fn a_peer_may_make_us_start_a_burst_of_attempts_and_then_one_each_second() {
    let mut contact = contact();
    let mut burst = |now| {
        let mut count = 0;
        while contact.may_attempt(now) {
            contact.count_attempt(now);
            count += 1;
        }
        count
    };
    assert_eq!(burst(at(0)), ATTEMPT_BURST);
    assert_eq!(burst(at(999)), 0);
    assert_eq!(burst(at(1_000)), 1);
    assert_eq!(burst(at(4_500)), 3);
    assert_eq!(burst(at(3_600_000)), ATTEMPT_BURST, "what was not used does not add up");
}

#[test]
fn a_released_link_lingers_without_a_slot_until_it_is_closed() {
    let mut contact = linked(7);
    assert!(contact.uses_slot() && contact.is_linked() && contact.is_agreed());
    assert_eq!(contact.release(), Some(LinkId(7)));
    assert_eq!(contact.release(), None);
    assert!(!contact.uses_slot() && !contact.is_linked() && !contact.is_agreed());
    assert_eq!(contact.link().map(Link::id), Some(LinkId(7)));
    assert_eq!(contact.session_of(LinkId(7)), None);
    assert!(contact.session_with(ID).is_none() && contact.linked_session_mut().is_none());
    let closed = contact.close().unwrap();
    assert_eq!((closed.link.id(), closed.was_in_use), (LinkId(7), false));
    assert!(contact.close().is_none() && contact.link().is_none());
}

#[test]
fn a_link_in_use_is_closed_as_such_and_a_newer_one_takes_its_place() {
    let mut contact = linked(7);
    contact.begin(agreed(8));
    assert_eq!(contact.session_of(LinkId(8)), Some(ID));
    let older = contact.open(link(8)).unwrap();
    assert_eq!((older.link.id(), older.was_in_use), (LinkId(7), true));
    let closed = contact.close().unwrap();
    assert_eq!((closed.link.id(), closed.was_in_use), (LinkId(8), true));
}

#[test]
fn only_the_link_of_the_attempt_opens() {
    let mut contact = contact();
    assert!(contact.open(link(7)).is_none());
    contact.begin(agreed(8));
    assert!(contact.open(link(7)).is_none());
    assert!(!contact.is_linked() && contact.attempt().is_some());
}

#[test]
fn an_attempt_is_stale_if_it_was_made_by_a_former_socket_of_this_server_and_is_unanswered() {
    let (server, other) = (ServerId(0), ServerId(1));
    let stale = |session: Option<Session>, via, since| {
        let mut contact = contact();
        contact.attempt = session;
        contact.is_stale(via, server, since)
    };
    let (before, after) = (Some(at(0)), Some(at(1)));
    assert!(stale(Some(unanswered(1)), Some(Via::Server(server)), after));
    assert!(stale(Some(unanswered(1)), None, after));
    assert!(!stale(Some(unanswered(1)), Some(Via::Server(other)), after));
    assert!(!stale(Some(unanswered(1)), Some(Via::Mesh), after));
    assert!(
        !stale(Some(unanswered(1)), None, before),
        "the socket was open before the attempt"
    );
    assert!(!stale(Some(unanswered(1)), None, None));
    assert!(!stale(Some(agreed(1)), None, after));
    assert!(!stale(None, None, after));
}

#[test]
fn an_attempt_is_unanswered_unless_it_was_answered_or_a_server_would_say_that_nobody_is_there() {
    let mut contact = contact();
    assert_eq!(contact.unanswered_since(), None, "there is no attempt");
    contact.begin(unanswered(1));
    assert_eq!((contact.unanswered_since(), contact.is_agreed()), (Some(at(0)), false));
    contact.set_via(Via::Server(ServerId(0)));
    assert_eq!((contact.unanswered_since(), contact.is_agreed()), (None, true));
    contact.set_via(Via::Mesh);
    contact.begin(agreed(1));
    assert_eq!((contact.unanswered_since(), contact.is_agreed()), (None, true));
    let mut linked = linked(1);
    linked.begin(unanswered(2));
    assert_eq!((linked.unanswered_since(), linked.is_agreed()), (None, true));
}

#[test]
fn a_shunned_peer_is_not_tried_until_its_time_is_over() {
    let mut contact = contact();
    contact.rest_until(at(1_000));
    contact.shun(at(5_000));
    assert_eq!(contact.poll_timeout(), None);
    assert!(contact.is_shunned(at(4_999)) && !contact.is_eligible(at(4_999)));
    assert!(!contact.is_shunned(at(5_000)) && contact.is_eligible(at(5_000)));
}

#[test]
fn a_peer_that_left_is_not_wanted_and_one_without_a_slot_is_wanted_again_later() {
    let timing = Timing::default();
    let mut left = contact();
    left.rest_until(at(1_000));
    left.unwant(at(500));
    assert_eq!(left.poll_timeout(), None);
    assert!(left.is_free(at(500)) && !left.is_wanted(at(500)));
    let mut full = contact();
    full.defer(at(0), millis(30_000), &timing);
    assert_eq!(full.poll_timeout(), Some(at(30_000)));
    assert_eq!(full.wanted_until(), at(30_000) + timing.session_retry_for);
    assert!(!full.is_eligible(at(29_999)) && full.is_eligible(at(30_000)));
    full.end_wait();
    assert_eq!(full.poll_timeout(), None);
}

#[test]
fn a_version_is_news_once_until_another_or_ours_was_spoken() {
    let mut contact = contact();
    assert_eq!(
        [7, 7, 8, 8].map(|theirs| contact.note_version(theirs)),
        [true, false, true, false]
    );
    contact.accept_version();
    assert!(contact.note_version(8));
}
