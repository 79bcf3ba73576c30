//! Named cases, and random lives beside what must hold of every one of them.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::{collection::vec, prelude::*};

use super::*;

fn now() -> DateTime<Utc> {
    "2026-06-01T09:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

fn window(lanes: &[&str]) -> Window {
    let mut window = Window::after(0);
    for (lane, sequence) in lanes.iter().zip(1..) {
        window.add(sequence, lane, now());
    }
    window
}

fn all(window: &mut Window, at: DateTime<Utc>) -> Vec<Job> {
    std::iter::from_fn(|| window.take(at)).collect()
}

const fn notices<const N: usize>(sequences: [u64; N]) -> [Job; N] {
    let mut jobs = [Job::Notice(0); N];
    let mut index = 0;
    while index < N {
        jobs[index] = Job::Notice(sequences[index]);
        index += 1;
    }
    jobs
}

#[test]
fn lanes_are_sent_beside_one_another_and_each_in_order() {
    let mut window = window(&["a", "b", "a", "b", "c"]);
    assert_eq!(all(&mut window, now()), notices([1, 2, 5]));
    window.arrived(Job::Notice(2));
    assert_eq!(all(&mut window, now()), notices([4]));
    window.arrived(Job::Notice(1));
    assert_eq!(all(&mut window, now()), notices([3]));
}

#[test]
fn a_lane_that_fails_holds_up_nobody_else_and_nothing_of_its_own_overtakes() {
    let mut window = window(&["a", "b", "a", "b"]);
    assert_eq!(all(&mut window, now()), notices([1, 2]));
    window.failed(Job::Notice(1), later(60));
    window.arrived(Job::Notice(2));
    assert_eq!(all(&mut window, now()), notices([4]));
    assert_eq!(window.next_due(), Some(later(60)));
    assert_eq!(all(&mut window, later(59)), []);
    assert_eq!(all(&mut window, later(60)), notices([1]));
}

#[test]
fn its_place_moves_past_what_waits_once_that_has_rows() {
    let mut window = window(&["a", "b", "a", "c"]);
    all(&mut window, now());
    window.arrived(Job::Notice(2));
    assert_eq!(window.done_to(), 0);
    window.failed(Job::Notice(1), later(60));
    // The third waits for the first, so it would hold the place up for as long as that fails.
    assert_eq!(window.done_to(), 2);
    assert_eq!(window.held_up(), [3]);
    assert_eq!(window.done_to(), 3);
    window.arrived(Job::Notice(4));
    assert_eq!((window.done_to(), window.waiting()), (4, 2));
}

#[test]
fn what_is_not_wanted_is_passed_over() {
    let mut window = window(&["a"]);
    window.skip(2);
    window.skip(3);
    assert_eq!((window.read_to(), window.done_to()), (3, 0));
    all(&mut window, now());
    window.arrived(Job::Notice(1));
    assert_eq!(window.done_to(), 3);
}

#[test]
fn what_was_left_waiting_comes_before_what_is_read_next() {
    let mut window = Window::after(9);
    window.restore(Job::Notice(7), "a", later(60), true);
    window.restore(Job::Notice(4), "a", later(30), true);
    window.add(10, "a", now());
    assert_eq!(all(&mut window, later(100)), notices([4]));
    assert_eq!(window.held_up(), [10]);
    window.arrived(Job::Notice(4));
    assert_eq!(all(&mut window, later(100)), notices([7]));
}

#[test]
fn what_somebody_wants_once_more_goes_out_of_turn() {
    let mut window = window(&["a", "a"]);
    window.restore(Job::Again(2), "again 2", now(), false);
    assert_eq!(all(&mut window, now()), [Job::Notice(1), Job::Again(2)]);
    window.arrived(Job::Again(2));
    assert_eq!(window.done_to(), 0);
}

#[test]
fn whatever_waits_is_due_when_the_webhook_is_resumed() {
    let mut window = window(&["a", "b"]);
    all(&mut window, now());
    window.failed(Job::Notice(1), later(9_000));
    window.wake(later(1));
    assert_eq!(all(&mut window, later(1)), notices([1]));
}

#[test]
fn what_comes_after_one_that_fails_is_a_number_until_its_turn_has_come() {
    let mut window = window(&["a", "a"]);
    assert!(!window.defers("a"));
    all(&mut window, now());
    window.failed(Job::Notice(1), later(60));
    assert!(window.defers("a") && !window.defers("b"));
    for sequence in 3..1_500 {
        window.skip(sequence);
        window.defer(sequence, "a");
    }
    window.add(1_500, "b", now());
    assert_eq!((window.at_hand(), window.deferred(), window.waiting()), (3, 1_497, 1_500));
    assert_eq!(all(&mut window, now()), notices([1_500]));
    assert_eq!(all(&mut window, later(60)), notices([1]));
    window.arrived(Job::Notice(1));
    assert!(!window.starves(), "the second is at hand");
    assert_eq!(all(&mut window, later(60)), notices([2]));
    window.arrived(Job::Notice(2));
    assert!(window.starves() && window.defers("a"), "nothing new overtakes");
    assert_eq!(window.recall(2), [3, 4]);
    for sequence in [3, 4] {
        window.restore(Job::Notice(sequence), "a", now(), false);
    }
    assert_eq!(all(&mut window, later(60)), notices([3]));
    assert!(!window.starves() && window.defers("a"));
}

/// What may happen next, as numbers that are read when it does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Read(u8),
    Send,
    Land { which: usize, arrives: bool },
    Pass(u8),
    Settle,
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u8..6).prop_map(Step::Read),
        4 => Just(Step::Send),
        4 => (any::<usize>(), prop::bool::weighted(0.7)).prop_map(|(which, arrives)| Step::Land { which, arrives }),
        1 => (0u8..60).prop_map(Step::Pass),
        1 => Just(Step::Settle),
    ]
}

proptest! {
    #[test]
    fn everything_arrives_once_and_in_order_of_its_lane(steps in vec(a_step(), 1..200)) {
        let mut window = Window::after(0);
        let (mut at, mut read) = (now(), 0u64);
        let mut flying: Vec<Job> = Vec::new();
        let (mut lane_of, mut rows, mut arrived) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        let ending = std::iter::repeat_n([Step::Pass(60), Step::Send, Step::Land { which: 0, arrives: true }], 400).flatten();
        for step in steps.into_iter().chain(ending) {
            match step {
                // One in six is not wanted.
                Step::Read(0) => { read += 1; window.skip(read); }
                Step::Read(lane) => {
                    read += 1;
                    lane_of.insert(read, lane);
                    if window.defers(&lane.to_string()) {
                        window.skip(read);
                        window.defer(read, &lane.to_string());
                        rows.insert(read);
                    } else {
                        window.add(read, &lane.to_string(), at);
                    }
                }
                Step::Send => flying.extend(window.take(at)),
                Step::Land { which, arrives } if !flying.is_empty() => {
                    let job = flying.remove(which % flying.len());
                    let Job::Notice(sequence) = job else { unreachable!("nobody wanted one once more") };
                    if arrives {
                        arrived.push(sequence);
                        rows.remove(&sequence);
                        window.arrived(job);
                    } else {
                        rows.insert(sequence);
                        window.failed(job, at + TimeDelta::seconds(30));
                    }
                }
                Step::Land { .. } => {}
                Step::Pass(seconds) => at += TimeDelta::seconds(seconds.into()),
                Step::Settle => rows.extend(window.held_up()),
            }
            while window.starves() {
                for sequence in window.recall(2) {
                    prop_assert!(rows.contains(&sequence));
                    window.restore(Job::Notice(sequence), &lane_of[&sequence].to_string(), at, false);
                }
            }
            prop_assert_eq!(window.flying(), flying.len());
            let lanes: BTreeSet<_> = flying.iter().map(|job| match job {
                Job::Notice(sequence) | Job::Again(sequence) => lane_of[sequence],
            }).collect();
            prop_assert_eq!(lanes.len(), flying.len(), "two of one lane fly");
            for sequence in 1..=window.done_to() {
                let known = !lane_of.contains_key(&sequence) || rows.contains(&sequence) || arrived.contains(&sequence);
                prop_assert!(known, "{} is lost in a crash", sequence);
            }
        }
        prop_assert_eq!(window.waiting(), 0);
        let mut by_lane: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        for sequence in &arrived {
            by_lane.entry(lane_of[sequence]).or_default().push(*sequence);
        }
        prop_assert!(by_lane.values().all(|lane| lane.is_sorted()));
        arrived.sort_unstable();
        prop_assert_eq!(arrived, lane_of.into_keys().collect::<Vec<_>>());
    }
}
