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
fn what_waits_for_one_that_fails_has_a_row_though_another_before_it_is_still_being_sent() {
    let mut window = window(&["y", "x", "x"]);
    assert_eq!(all(&mut window, now()), notices([1, 2]));
    window.failed(Job::Notice(2), later(60));
    window.defer(4, "x");
    // Otherwise whoever goes on from the rows would send the fourth before the third.
    assert_eq!(window.held_up(), [3]);
    assert_eq!(window.done_to(), 0);
}

#[test]
fn what_waits_before_another_that_has_a_row_has_one_too() {
    let mut window = window(&["x", "x", "x"]);
    all(&mut window, now());
    window.failed(Job::Notice(1), later(60));
    window.defer(4, "x");
    assert_eq!(all(&mut window, later(60)), notices([1]));
    // It has arrived before anything was written.
    window.arrived(Job::Notice(1));
    assert_eq!(window.held_up(), [2, 3]);
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
    Commit,
    Reopen,
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u8..6).prop_map(Step::Read),
        8 => Just(Step::Send),
        8 => (any::<usize>(), prop::bool::weighted(0.7)).prop_map(|(which, arrives)| Step::Land { which, arrives }),
        2 => (0u8..60).prop_map(Step::Pass),
        2 => Just(Step::Commit),
        1 => Just(Step::Reopen),
    ]
}

/// What a store has of a window.
#[derive(Clone, Default)]
struct Rows {
    place: u64,
    waiting: BTreeSet<u64>,
    tried: BTreeSet<u64>,
    arrived: BTreeSet<u64>,
}

/// A window with its store, as an endpoint uses them.
struct Life {
    window: Window,
    at: DateTime<Utc>,
    /// The lane of every sequence that was read, and none where it is not wanted.
    lanes: BTreeMap<u64, Option<u8>>,
    flying: Vec<Job>,
    /// As the next commit writes them, and as the last one did.
    rows: Rows,
    stored: Rows,
    known: BTreeSet<u64>,
    arrived: BTreeSet<u64>,
}

impl Life {
    fn new() -> Self {
        let (rows, stored) = (Rows::default(), Rows::default());
        let (lanes, known, arrived) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { window: Window::after(0), at: now(), lanes, flying: Vec::new(), rows, stored, known, arrived }
    }

    fn lane(&self, sequence: u64) -> String {
        self.lanes[&sequence].unwrap().to_string()
    }

    fn read(&mut self, lane: u8) {
        let sequence = self.window.read_to() + 1;
        // One in six is not wanted; what was read before is what it was.
        let lane = *self.lanes.entry(sequence).or_insert((lane > 0).then_some(lane));
        let Some(lane) = lane.filter(|_| !self.known.remove(&sequence)) else {
            return self.window.skip(sequence);
        };
        if self.window.defers(&lane.to_string()) {
            self.window.skip(sequence);
            self.window.defer(sequence, &lane.to_string());
            self.rows.waiting.insert(sequence);
        } else {
            self.window.add(sequence, &lane.to_string(), self.at);
        }
    }

    fn send(&mut self) -> Result<(), TestCaseError> {
        let Some(job) = self.window.take(self.at) else { return Ok(()) };
        let Job::Notice(sequence) = job else { unreachable!("nobody wanted one once more") };
        let lane = self.lanes[&sequence];
        let overtaken =
            self.lanes.range(..sequence).find(|(it, of)| **of == lane && !self.arrived.contains(it));
        prop_assert!(overtaken.is_none(), "{} overtakes {:?}", sequence, overtaken);
        self.flying.push(job);
        Ok(())
    }

    fn land(&mut self, which: usize, arrives: bool) {
        if self.flying.is_empty() {
            return;
        }
        let job = self.flying.remove(which % self.flying.len());
        let Job::Notice(sequence) = job else { unreachable!("nobody wanted one once more") };
        if arrives {
            self.arrived.insert(sequence);
            self.rows.waiting.remove(&sequence);
            self.rows.arrived.insert(sequence);
            self.window.arrived(job);
        } else {
            self.rows.waiting.insert(sequence);
            self.rows.tried.insert(sequence);
            self.window.failed(job, self.at + TimeDelta::seconds(30));
        }
    }

    fn commit(&mut self) -> Result<(), TestCaseError> {
        self.rows.waiting.extend(self.window.held_up());
        self.rows.place = self.window.done_to();
        self.stored = self.rows.clone();
        for sequence in 1..=self.stored.place {
            let has_row = self.stored.waiting.contains(&sequence) || self.stored.arrived.contains(&sequence);
            prop_assert!(has_row || self.lanes[&sequence].is_none(), "{} is lost in a crash", sequence);
        }
        Ok(())
    }

    /// What is not stored is forgotten, as is what was on its way.
    fn reopen(&mut self) {
        self.rows = self.stored.clone();
        self.flying.clear();
        self.window = Window::after(self.rows.place);
        let there = self.rows.waiting.union(&self.rows.arrived).copied();
        self.known = there.filter(|sequence| *sequence > self.rows.place).collect();
        for sequence in self.rows.waiting.clone() {
            let lane = self.lane(sequence);
            if self.window.has(&lane) {
                self.window.defer(sequence, &lane);
            } else {
                let was_tried = self.rows.tried.contains(&sequence);
                self.window.restore(Job::Notice(sequence), &lane, self.at, was_tried);
            }
        }
    }

    fn recall(&mut self) -> Result<(), TestCaseError> {
        while self.window.starves() {
            self.commit()?;
            for sequence in self.window.recall(2) {
                prop_assert!(self.stored.waiting.contains(&sequence));
                let was_tried = self.stored.tried.contains(&sequence);
                let lane = self.lane(sequence);
                self.window.restore(Job::Notice(sequence), &lane, self.at, was_tried);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn everything_arrives_and_in_order_of_its_lane_whenever_it_is_opened_again(steps in vec(a_step(), 1..200)) {
        let mut life = Life::new();
        let rest = std::iter::repeat_n(Step::Read(0), steps.len());
        let ending = [Step::Pass(60), Step::Send, Step::Land { which: 0, arrives: true }];
        let ending = std::iter::repeat_n(ending, 2 * steps.len()).flatten();
        for step in steps.into_iter().chain(rest).chain(ending) {
            match step {
                Step::Read(lane) => life.read(lane),
                Step::Send => life.send()?,
                Step::Land { which, arrives } => life.land(which, arrives),
                Step::Pass(seconds) => life.at += TimeDelta::seconds(seconds.into()),
                Step::Commit => life.commit()?,
                Step::Reopen => life.reopen(),
            }
            life.recall()?;
            prop_assert!(life.flying.iter().all(|job| life.window.flies(*job)));
        }
        prop_assert_eq!(life.window.waiting(), 0);
        let wanted: BTreeSet<u64> = life.lanes.iter().filter_map(|(it, lane)| lane.map(|_| *it)).collect();
        prop_assert_eq!(life.arrived, wanted);
    }
}
