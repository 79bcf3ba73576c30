//! The desk at which one command is decided: the aggregates it needs, and what was decided on them so far.
//!
//! Deciding is pure, so it cannot load anything. What is not on the desk yet is a [`Need`]: the engine brings it and
//! decides again from the start. Whatever was looked at is remembered with its sequence, so the commit can say what the
//! decision rested on.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry},
    sync::Arc,
};

use super::lookups::{FoundNumbers, Lookups};
use crate::{
    claim::{Claim, ClaimAction, ClaimChange},
    company::{Company, events::CompanyEvent},
    decider::{Context, Decider, Event as _, IllegalEvent, Refused, apply, handle},
    fact::Happened,
    ids::{CompanyId, Mint, NumberBlockId, OrderId, PortRequestId, ResellerId, StreamId, WebhookId},
    number::NumberSet,
    number_block::{NumberBlock, events::BlockEvent},
    order::{
        Order,
        events::OrderEvent,
        line::{LineNumber, NumberSearch},
    },
    port_request::{PortRequest, events::PortEvent},
    refusal::Reason,
    reseller::{Reseller, events::ResellerEvent},
    webhook::{Webhook, events::WebhookEvent},
};

/// The state of any aggregate, shared between cache and desk.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the kinds of aggregate")]
pub enum State {
    Order(Arc<Order>),
    Company(Arc<Company>),
    PortRequest(Arc<PortRequest>),
    NumberBlock(Arc<NumberBlock>),
    Reseller(Arc<Reseller>),
    Webhook(Arc<Webhook>),
}

/// An aggregate that can be on a desk.
pub trait Seated: Decider {
    /// Its id.
    type Id: Into<StreamId> + Copy;
    /// The aggregate in a state of its own kind.
    fn of(state: &State) -> Option<&Arc<Self>>;
    /// The state of any aggregate.
    fn seat(state: Arc<Self>) -> State;
    /// Its event with whose it is.
    fn happened(id: Self::Id, event: Self::Event) -> Happened;
}

macro_rules! seated {
    ($($aggregate:ident $id:ident $event:ident;)*) => {$(
        impl Seated for $aggregate {
            type Id = $id;
            fn of(state: &State) -> Option<&Arc<Self>> {
                match state {
                    State::$aggregate(state) => Some(state),
                    _ => None,
                }
            }
            fn seat(state: Arc<Self>) -> State {
                State::$aggregate(state)
            }
            fn happened(id: $id, event: $event) -> Happened {
                Happened::$aggregate(id, event)
            }
        }
    )*};
}

seated! {
    Order OrderId OrderEvent;
    Company CompanyId CompanyEvent;
    PortRequest PortRequestId PortEvent;
    NumberBlock NumberBlockId BlockEvent;
    Reseller ResellerId ResellerEvent;
    Webhook WebhookId WebhookEvent;
}

impl State {
    /// The state of a stream before any event.
    pub fn beginning(stream: StreamId) -> Self {
        use crate::ids::AggregateKind;
        match stream.kind {
            AggregateKind::Order => Self::Order(Arc::default()),
            AggregateKind::Company => Self::Company(Arc::default()),
            AggregateKind::PortRequest => Self::PortRequest(Arc::default()),
            AggregateKind::NumberBlock => Self::NumberBlock(Arc::default()),
            AggregateKind::Reseller => Self::Reseller(Arc::default()),
            AggregateKind::Webhook => Self::Webhook(Arc::default()),
        }
    }

    /// The state after one more event of the same aggregate.
    pub fn after(self, happened: &Happened) -> Result<Self, IllegalEvent> {
        fn step<D: Seated>(state: Arc<D>, event: &D::Event) -> Result<State, IllegalEvent> {
            apply(Arc::unwrap_or_clone(state), event).map(|state| D::seat(Arc::new(state)))
        }
        match (self, happened) {
            (Self::Order(state), Happened::Order(_, event)) => step(state, event),
            (Self::Company(state), Happened::Company(_, event)) => step(state, event),
            (Self::PortRequest(state), Happened::PortRequest(_, event)) => step(state, event),
            (Self::NumberBlock(state), Happened::NumberBlock(_, event)) => step(state, event),
            (Self::Reseller(state), Happened::Reseller(_, event)) => step(state, event),
            (Self::Webhook(state), Happened::Webhook(_, event)) => step(state, event),
            (state, happened) => Err(IllegalEvent {
                aggregate: happened.stream().kind.word(),
                from: state.status(),
                event: happened.name(),
                to: "another kind of aggregate",
            }),
        }
    }

    /// Its status, as a word.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Order(state) => state.status().into(),
            Self::Company(state) => state.status().into(),
            Self::PortRequest(state) => state.status().into(),
            Self::NumberBlock(state) => state.status().into(),
            Self::Reseller(state) => state.status().into(),
            Self::Webhook(state) => state.status().into(),
        }
    }

    /// What its lifecycle lets somebody ask for now.
    pub fn actions(&self) -> Vec<&'static str> {
        fn of<D: Decider>(state: &D) -> Vec<&'static str> {
            D::LIFECYCLE.actions(state.status()).into_iter().map(Into::into).collect()
        }
        match self {
            Self::Order(state) => of::<Order>(state),
            Self::Company(state) => of::<Company>(state),
            Self::PortRequest(state) => of::<PortRequest>(state),
            Self::NumberBlock(state) => of::<NumberBlock>(state),
            Self::Reseller(state) => of::<Reseller>(state),
            Self::Webhook(state) => of::<Webhook>(state),
        }
    }
}

/// What has to be brought before the decision can go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Need {
    /// An aggregate.
    Stream(StreamId),
    /// Free numbers for one search after the other: as many as asked, or as many as there are.
    Numbers {
        /// Which.
        searches: Vec<NumberSearch>,
        /// None of these, nor what a search before found.
        except: NumberSet,
    },
    /// Who holds these claims now.
    Holders(Vec<Claim>),
    /// How many companies of a suspended reseller are neither released, expired nor ceased.
    LiveCompanies(ResellerId),
}

/// Why a decision came to no end.
#[derive(Clone, Debug, PartialEq)]
pub enum Halt {
    /// These must be brought first.
    Need(Vec<Need>),
    /// It was refused, for every one of these reasons.
    Refused(Vec<Reason>),
    /// An event is no step of its aggregate: a fault of our own.
    Illegal(IllegalEvent),
}

impl Halt {
    /// A refusal for one reason.
    pub fn refuse(
        code: &str,
        subject: Option<String>,
        detail: impl Into<String>,
        expected: Option<&str>,
    ) -> Self {
        Self::Refused(vec![Reason {
            code: code.to_owned(),
            subject,
            detail: detail.into(),
            expected: expected.map(str::to_owned),
        }])
    }

    /// What somebody is told who asks for what does not exist, or is another reseller's.
    pub fn not_found(stream: impl Into<StreamId>) -> Self {
        let stream = stream.into();
        let kind = stream.kind.word().replace('_', " ");
        Self::refuse("not_found", None, format!("there is no {kind} {stream}"), None)
    }
}

/// Where a desk gets aggregates from: what is at hand, with its sequence.
pub trait Streams {
    /// The state of a stream, if it is at hand.
    fn state(&self, stream: StreamId) -> Option<(u64, State)>;
}

/// An aggregate on the desk.
#[derive(Clone, Debug)]
struct Seat {
    loaded_at: u64,
    state: State,
    events: Vec<Happened>,
}

/// What was decided on one aggregate.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Its stream.
    pub stream: StreamId,
    /// The sequence the decision saw.
    pub after: u64,
    /// What happens; empty where it was only looked at.
    pub events: Vec<Happened>,
    /// The state afterwards.
    pub state: State,
}

/// The desk of one attempt to decide a command.
pub struct Desk<'a> {
    /// When, and under which rules.
    pub context: Context,
    /// Fresh ids.
    pub mint: Mint,
    streams: &'a dyn Streams,
    lookups: &'a Lookups,
    seats: BTreeMap<StreamId, Seat>,
    claims: Vec<ClaimChange>,
    picked: NumberSet,
    /// How often numbers were picked.
    picks: usize,
    /// Searches that will be picked for, in this order, so that they are brought together.
    searches: VecDeque<NumberSearch>,
}

impl<'a> Desk<'a> {
    /// An empty desk.
    pub fn new(context: Context, mint: Mint, streams: &'a dyn Streams, lookups: &'a Lookups) -> Self {
        Self {
            context,
            mint,
            streams,
            lookups,
            seats: BTreeMap::new(),
            claims: Vec::new(),
            picked: NumberSet::default(),
            picks: 0,
            searches: VecDeque::new(),
        }
    }

    fn seat(&mut self, stream: StreamId) -> Result<&mut Seat, Halt> {
        match self.seats.entry(stream) {
            Entry::Occupied(seat) => Ok(seat.into_mut()),
            Entry::Vacant(place) => {
                let at_hand = self.streams.state(stream);
                let (loaded_at, state) = at_hand.ok_or_else(|| Halt::Need(vec![Need::Stream(stream)]))?;
                Ok(place.insert(Seat { loaded_at, state, events: Vec::new() }))
            }
        }
    }

    /// The aggregate as it is after what was decided so far.
    pub fn get<D: Seated>(&mut self, id: D::Id) -> Result<Arc<D>, Halt> {
        let seat = self.seat(id.into())?;
        Ok(Arc::clone(D::of(&seat.state).expect("a stream's kind says the kind of its state")))
    }

    /// The aggregate, which must exist.
    pub fn existing<D: Seated>(&mut self, id: D::Id) -> Result<Arc<D>, Halt> {
        let state = self.get::<D>(id)?;
        if state.status() == D::default().status() { Err(Halt::not_found(id)) } else { Ok(state) }
    }

    /// Asks for several aggregates at once, so that they are brought together.
    pub fn gather(&mut self, streams: impl IntoIterator<Item = StreamId>) -> Result<(), Halt> {
        let missing: Vec<Need> =
            streams.into_iter().filter(|stream| self.seat(*stream).is_err()).map(Need::Stream).collect();
        if missing.is_empty() { Ok(()) } else { Err(Halt::Need(missing)) }
    }

    /// Has a command decided on one aggregate; what it leads to is on the desk afterwards, and is answered.
    pub fn tell<D: Seated>(&mut self, id: D::Id, command: &D::Command) -> Result<Vec<D::Event>, Halt> {
        let state = self.get::<D>(id)?;
        let events = handle(&*state, command, &self.context).map_err(|refused| match refused {
            Refused::NotPermitted { status, .. } if status == D::default().status() => Halt::not_found(id),
            refused => Halt::Refused(refused.reasons()),
        })?;
        if events.is_empty() {
            return Ok(events);
        }
        let mut state = Arc::unwrap_or_clone(state);
        for event in &events {
            state = apply(state, event).map_err(Halt::Illegal)?;
        }
        let seat = self.seats.get_mut(&id.into()).expect("it was just looked at");
        seat.state = D::seat(Arc::new(state));
        for event in &events {
            self.claims.extend(event.claims(id.into()));
            seat.events.push(D::happened(id, event.clone()));
        }
        Ok(events)
    }

    /// Has a command decided on a new aggregate, which cannot exist yet.
    pub fn create<D: Seated>(&mut self, id: D::Id, command: &D::Command) -> Result<Vec<D::Event>, Halt> {
        let stream = id.into();
        let state = State::beginning(stream);
        self.seats.entry(stream).or_insert(Seat { loaded_at: 0, state, events: Vec::new() });
        self.tell::<D>(id, command)
    }

    /// Says which searches will be picked for, in this order: the first that needs numbers asks for those of all.
    pub fn will_pick(&mut self, searches: impl IntoIterator<Item = NumberSearch>) {
        self.searches.extend(searches);
    }

    /// Free numbers that fit the search, none of them `held`, picked before or taken by somebody else.
    pub fn pick(&mut self, search: &NumberSearch, held: &NumberSet) -> Result<FoundNumbers, Halt> {
        if self.searches.front() == Some(search) {
            self.searches.pop_front();
        }
        let except = self.picked.union(&self.lookups.taken_numbers()).union(held);
        let Some(found) = self.lookups.found(self.picks, search, &except) else {
            let searches = std::iter::once(search.clone()).chain(self.searches.drain(..)).collect();
            return Err(Halt::Need(vec![Need::Numbers { searches, except }]));
        };
        self.picks += 1;
        self.picked = self.picked.union(&found.numbers);
        Ok(found)
    }

    /// Whether numbers were picked so often, and lost to others each time, that it is enough.
    pub fn has_picked_enough(&self) -> bool {
        self.lookups.picks_lost() >= self.context.rules.limits().number_picks_max
    }

    /// Who holds these claims, as far as known: advice, since only the commit decides.
    pub fn holders(&self, claims: Vec<Claim>) -> Result<Vec<(Claim, Option<StreamId>)>, Halt> {
        let missing: Vec<Claim> =
            claims.iter().filter(|claim| !self.lookups.holders.contains_key(claim)).cloned().collect();
        if !missing.is_empty() {
            return Err(Halt::Need(vec![Need::Holders(missing)]));
        }
        Ok(claims.into_iter().map(|claim| (claim.clone(), self.lookups.holders[&claim])).collect())
    }

    /// Whether somebody else was faster to take a claim, as the last attempt to append found out.
    pub fn lost(&self, claim: &Claim) -> bool {
        self.lookups.taken.contains(claim)
    }

    /// How many companies of the reseller are live, counted since it was as this decision sees it: whoever was resumed
    /// and suspended once more after that may have another one.
    pub fn live_companies(&mut self, reseller: ResellerId) -> Result<u32, Halt> {
        self.existing::<Reseller>(reseller)?;
        let sequence = self.seats.get(&reseller.stream()).map(|seat| seat.loaded_at);
        match self.lookups.live_companies.get(&reseller) {
            Some((counted_at, count)) if Some(*counted_at) == sequence => Ok(*count),
            _ => Err(Halt::Need(vec![Need::LiveCompanies(reseller)])),
        }
    }

    /// The claims that this decision would take and somebody else has, as the last attempt to append it found out.
    pub fn conflicts(&self) -> Vec<Claim> {
        let mut released = BTreeSet::new();
        let mut conflicts = Vec::new();
        for change in self.claims.iter().filter(|change| self.lookups.taken.contains(&change.claim)) {
            match change.action {
                ClaimAction::Release => {
                    released.insert(&change.claim);
                }
                // Whoever had it gives it up in this very commit.
                ClaimAction::Take if released.contains(&change.claim) => {}
                ClaimAction::Take => conflicts.push(change.claim.clone()),
            }
        }
        conflicts
    }

    /// The order lines for which these claims would be taken, where the event that takes one says so.
    pub fn lines_of(&self, claims: &[Claim]) -> BTreeMap<Claim, LineNumber> {
        let wanted: BTreeSet<&Claim> = claims.iter().collect();
        let of_seat = |seat: &'_ Seat| {
            let of_event = |event: &Happened| Some((event.claims(), line_of(&seat.state, event)?));
            seat.events.iter().filter_map(of_event).collect::<Vec<_>>()
        };
        let of_lines = self.seats.values().flat_map(of_seat);
        of_lines
            .flat_map(|(changes, line)| changes.into_iter().map(move |change| (change, line)))
            .filter(|(change, _)| change.action == ClaimAction::Take && wanted.contains(&change.claim))
            .map(|(change, line)| (change.claim, line))
            .collect()
    }

    /// The claims taken and released, in the order they were decided.
    pub fn claims(&mut self) -> Vec<ClaimChange> {
        std::mem::take(&mut self.claims)
    }

    /// Everything that was decided or looked at.
    pub fn finish(self) -> (Vec<Decided>, Vec<ClaimChange>) {
        let decided = self.seats.into_iter().map(|(stream, seat)| Decided {
            stream,
            after: seat.loaded_at,
            events: seat.events,
            state: seat.state,
        });
        (decided.collect(), self.claims)
    }

    /// Every stream looked at, with the sequence seen: what a refusal rests on.
    pub fn seen(&self) -> Vec<(StreamId, u64)> {
        self.seats.iter().map(|(stream, seat)| (*stream, seat.loaded_at)).collect()
    }
}

/// The order line for which something is taken by this event of an aggregate.
fn line_of(state: &State, happened: &Happened) -> Option<LineNumber> {
    match (happened, state) {
        (
            Happened::Company(
                _,
                CompanyEvent::NumbersCommitted { line, .. } | CompanyEvent::AssetPlanned { line, .. },
            ),
            _,
        ) => Some(*line),
        (Happened::Company(_, CompanyEvent::AssetReplanned { asset, .. }), State::Company(company)) => {
            company.asset(*asset).map(|asset| asset.line)
        }
        (
            Happened::PortRequest(_, PortEvent::PortDrafted(_) | PortEvent::PortNumbersAdded { .. }),
            State::PortRequest(port),
        ) => port.request().map(|it| it.line),
        _ => None,
    }
}
