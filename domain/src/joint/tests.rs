//! Joint decisions without an engine: what is brought, and how often.

use std::{collections::BTreeMap, sync::Arc};

use uuid::Uuid;

use super::{Command, Desk, FoundNumbers, Halt, Lookups, Need, State, Streams, decide};
use crate::{
    claim::{Claim, ClaimScope},
    decider::Context,
    ids::{CompanyId, Mint, NumberBlockId, ResellerId, StreamId},
    number::{AreaCode, NumberRange, NumberSet},
    number_block::claims::hundred_of,
    order::line::{NumberAsk, NumberSearch, SearchBy},
    rules::Rules,
    testing::scenario::moment,
};

/// Everything that was decided, and nothing else.
#[derive(Default)]
struct Shelf {
    states: BTreeMap<StreamId, (u64, State)>,
    decided: u64,
}

impl Streams for Shelf {
    fn state(&self, stream: StreamId) -> Option<(u64, State)> {
        Some(self.states.get(&stream).cloned().unwrap_or((0, State::beginning(stream))))
    }
}

impl Shelf {
    fn decide(&self, command: &Command, lookups: &Lookups) -> Result<super::Decision, Halt> {
        let context = Context { at: moment("2026-06-01T10:00:00Z"), rules: Arc::new(Rules::bundled()) };
        let mint = Mint::new(Uuid::from_u128(u128::from(self.decided)), context.at);
        decide(Desk::new(context, mint, self, lookups), command, None).map_err(|undecided| undecided.halt)
    }

    fn done(&mut self, command: &Command) -> super::Ids {
        let decision = self.decide(command, &Lookups::default()).unwrap();
        self.decided += 1;
        for decided in decision.decided {
            let sequence = decided.after + decided.events.len() as u64;
            self.states.insert(decided.stream, (sequence, decided.state));
        }
        decision.ids
    }
}

fn stock() -> NumberRange {
    NumberRange::parse("0113 496 0000-0199").unwrap()
}

/// A carrier with stock, and a command that reserves five numbers of it for a company.
fn carrier() -> (Shelf, NumberBlockId, Command) {
    let mut shelf = Shelf::default();
    let (code, cug_id, sales_tag) = ("R1".parse().unwrap(), "C1".parse().unwrap(), "T1".parse().unwrap());
    let name = "North".parse().unwrap();
    let ids = shelf.done(&Command::CreateReseller { code, cug_id, sales_tag, name });
    let reseller: ResellerId = ids["reseller"].parse().unwrap();
    let (range_holder, place) = ("001".parse().unwrap(), "Leeds".parse().unwrap());
    let ids = shelf.done(&Command::LoadBlock { range: stock(), range_holder, place });
    let block = ids["number_block"].parse().unwrap();
    let (name, domain) = ("Acme".parse().unwrap(), "acme.example".parse().unwrap());
    let ids = shelf.done(&Command::Qualify { reseller, name, domain });
    let company: CompanyId = ids["company"].parse().unwrap();
    let by = SearchBy::AreaCode(AreaCode::parse("0113").unwrap());
    let ask = NumberAsk::Search(NumberSearch { by, quantity: 5, contiguous: false });
    (shelf, block, Command::ReserveNumbers { company, ask, ring_fence: false })
}

/// Answers what a decision needs, until it comes to an end.
fn answered(
    shelf: &Shelf,
    block: NumberBlockId,
    command: &Command,
    lookups: &mut Lookups,
) -> Result<super::Decision, Halt> {
    loop {
        let needs = match shelf.decide(command, lookups) {
            Err(Halt::Need(needs)) => needs,
            ended => return ended,
        };
        for need in needs {
            match need {
                Need::Numbers { searches, mut except } => {
                    for search in searches {
                        let free = NumberSet::from(stock()).difference(&except);
                        let numbers: NumberSet = free.iter().take(search.quantity as usize).collect();
                        lookups.found_numbers(search, &mut except, FoundNumbers { numbers, free: 5 });
                    }
                }
                Need::Holders(claims) => {
                    let hundreds: Vec<Claim> = stock().iter().map(hundred_of).collect();
                    for claim in claims {
                        let holder = hundreds.contains(&claim).then(|| block.stream());
                        lookups.found_holder(claim, holder);
                    }
                }
                other => panic!("{other:?} is at hand"),
            }
        }
    }
}

#[test]
fn numbers_are_picked_eight_times_and_then_it_is_said_how_many_are_free() {
    let (shelf, block, command) = carrier();
    let mut lookups = Lookups::default();
    for pick in 0..8_u32 {
        let decision = answered(&shelf, block, &command, &mut lookups).unwrap();
        let number = |claim: &&Claim| claim.scope == ClaimScope::Number;
        let wanted: Vec<Claim> = decision.claims.iter().map(|it| &it.claim).filter(number).cloned().collect();
        assert_eq!(wanted.len(), 5);
        assert_eq!(lookups.picks_lost(), pick);
        // Somebody else is faster for one of them, each time.
        lookups.found_taken(wanted.into_iter().take(1));
    }
    let Err(Halt::Refused(reasons)) = answered(&shelf, block, &command, &mut lookups) else {
        panic!("it was picked a ninth time")
    };
    assert_eq!(reasons[0].code, "numbers_contended");
    assert_eq!(reasons[0].detail, "5 numbers were asked for, 5 are free, and others were faster 8 times");
}
