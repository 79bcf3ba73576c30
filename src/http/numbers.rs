//! Numbers that a scope may use: of a reseller, a company or a site; new and ported.
//!
//! First come numbers that are the scope's own, by number, then free stock, by the length of its runs. Each page is a look
//! into an index, however much stock there is. Deliberately absent: whether somebody gets a number, which a reservation or
//! a submit decides.

use orderwire_domain::{
    claim::{Claim, ClaimScope},
    company::asset::AssetKind,
    ids::{AggregateKind, AssetId, CompanyId, ResellerId},
    names::{CugId, SiteName},
    number::AreaCode,
    reseller::Reseller,
    views::{
        company_directory::CompanyView,
        number_availability::{FreeRun, Holding, NUMBER, NUMBER_RUN, NumberView},
        table::{Record as _, Value},
    },
};
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::Answer,
    api::Api,
    assets,
    auth::Access,
    number_bodies::{Growing, NumberRunBody, origin},
    openapi::tags,
    page::{self, Listed},
    problem::Problem,
    request::Look,
    texts,
};
use crate::engine::{
    self,
    log::{Comparison, Filter, Select},
    query::{self, equal},
};

/// Most rows of numbers that one page looks at, which is also the longest run that can be asked for: a page that finds
/// little ends early, and `next` goes on from there.
const ROWS_MAX: usize = 1_000;
/// Rows of one look at most.
const LOOK_ROWS_MAX: usize = 500;
/// The three parameters that say whose numbers.
const SCOPES: [&str; 3] = ["cug_id", "company", "site"];

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(list))
}

/// Where numbers are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray, ToSchema)]
#[schema(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
enum Origin {
    New,
    Ported,
}

/// After what a page goes on: a run of stock by its length and first number, or without a length one of the own numbers.
type Place = (Option<i64>, String);

/// Whose numbers.
enum Scope {
    /// Those of the carrier, and ported ones that no company has yet.
    Reseller(ResellerId),
    /// Those of the carrier, and its own.
    Company(CompanyId),
    /// Its own that no user has.
    Site(AssetId),
}

/// What is looked for.
struct Wanted {
    scope: Scope,
    origin: Option<Origin>,
    area: Option<AreaCode>,
    place: Option<SiteName>,
    in_a_row: u32,
    limit: usize,
}

/// What was found, and after what the next page goes on.
#[derive(Default)]
struct Found {
    runs: Vec<NumberRunBody>,
    next: Option<Place>,
}

/// List the numbers that a reseller, a company or a site may use.
///
/// Exactly one of `cug_id`, `company` and `site` says whose. A reseller may use free stock and its ported numbers that no
/// company has yet; a company free stock and what it has but no user; a site what it has but no user. What others have is
/// never shown. Numbers in a row that are alike are one item. The scope's own come first, by number; then free stock, the
/// longest runs first, or with `contiguous` the shortest that suffice. A page may have fewer items than `limit`: there is
/// more as long as there is a `next`.
#[utoipa::path(get, path = "/v1/numbers", operation_id = "list_numbers", tag = tags::NUMBERS,
    params(("cug_id" = Option<texts::CugId>, Query, description = "The CUG id of the reseller.", example = "CUG100"),
        ("company" = Option<texts::CompanyId>, Query, description = "The service reference of a company."),
        ("site" = Option<texts::AssetId>, Query, description = "The service id of a site."),
        ("origin" = inline(Option<Origin>), Query, description = "Only `new` numbers, or only `ported` ones."),
        ("area_code" = Option<texts::AreaCode>, Query, description = "Only those of this area code.", example = "0113"),
        ("place" = Option<texts::SiteName>, Query, description = "Only those of this place; not together with `area_code`."),
        ("contiguous" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Only runs of at least so many numbers, up to 1,000."),
        ("limit" = Option<u16>, Query, description = "At most so many runs, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<NumberRunBody>,
        example = json!({ "items": [{ "first": "+441134960100", "last": "+441134960199", "quantity": 100,
            "holding": "free", "origin": "new", "network": "own", "area_code": "0113", "place": "Leeds",
            "company": null, "site": null, "user": null, "reservation": null, "until": null,
            "port_request": null }], "next": null }))))]
async fn list(look: Look) -> Result<Answer, Problem> {
    let more = ["origin", "area_code", "place", "contiguous", "limit", "cursor"];
    look.only(&[&SCOPES[..], &more].concat())?;
    look.ready(&NUMBER).await?;
    let (area, place) = (look.parsed("area_code")?, look.parsed("place")?);
    if area.is_some() && place.is_some() {
        let detail = "an area code and a place are given";
        return Err(Problem::parameter("place", "choice", detail, "one of area_code, place"));
    }
    let in_a_row = look.whole("contiguous", 1, ROWS_MAX as u64)?;
    let wanted = Wanted {
        origin: look.word("origin")?,
        area,
        place,
        in_a_row: in_a_row.map_or(1, |in_a_row| u32::try_from(in_a_row).unwrap_or(u32::MAX)),
        limit: page::limit(&look)?,
        scope: scope(&look).await?,
    };
    let mut found = Found::default();
    let with_stock = wanted.origin != Some(Origin::Ported) && !matches!(wanted.scope, Scope::Site(_));
    let (mut own_first, mut stock_first) = (None, None);
    let after_run = match page::cursor::<Place>(&look)? {
        // A run of stock is found by its length; without one the cursor is of a number.
        Some((Some(length), key)) => Some((Value::Integer(length.max(i64::from(wanted.in_a_row))), key)),
        after => {
            if after.is_none() && with_stock {
                // Most have few numbers of their own, so stock is asked for by the way.
                let looks = [wanted.own(None, wanted.limit + 1), wanted.stock(None, wanted.limit + 1)];
                let (numbers, runs) = query::both(look.app.engine.log(), &looks).await?;
                (own_first, stock_first) = (Some(numbers), Some(runs));
            }
            own(&look, &wanted, after.map(|(_, key)| key), own_first, &mut found).await?;
            None
        }
    };
    if found.next.is_none() && with_stock {
        stock(&look, &wanted, after_run, stock_first, &mut found).await?;
    }
    let next = found.next.map(|place| page::opaque(&place));
    Ok(Answer::list(&look, &Listed { items: found.runs, next }))
}

/// Whose numbers are asked for; what is another's does not exist.
async fn scope(look: &Look) -> Result<Scope, Problem> {
    let given: Vec<&str> = SCOPES.into_iter().filter(|name| look.text(name).is_some()).collect();
    let [name] = given.as_slice() else {
        let detail =
            if given.is_empty() { "none of them is given" } else { "more than one of them is given" };
        let expected = format!("exactly one of {}", SCOPES.join(", "));
        return Err(Problem::parameter(given.first().unwrap_or(&SCOPES[0]), "choice", detail, expected));
    };
    let text = look.text(name).unwrap_or_default();
    match *name {
        "cug_id" => reseller(look, text).await.map(Scope::Reseller),
        "company" => {
            let id: CompanyId = text.parse().map_err(|_| Problem::not_found("company", text))?;
            let view = look.record(id.into(), |view: &CompanyView| view.reseller).await?;
            Ok(Scope::Company(view.company))
        }
        _ => {
            let id: AssetId = text.parse().map_err(|_| Problem::not_found("site", text))?;
            let site = assets::visible(look, id, AssetKind::Site).await?;
            Ok(Scope::Site(site.asset))
        }
    }
}

async fn reseller(look: &Look, text: &str) -> Result<ResellerId, Problem> {
    let missing = || Problem::not_found("reseller", text);
    let cug_id: CugId = text.parse().map_err(|_| missing())?;
    if let Some(own) = look.caller.reseller {
        // Its own is the only one there is for it. It is most often at hand, and its CUG id is never another.
        let is_named =
            |reseller: &Reseller| reseller.tenant().is_some_and(|tenant| tenant.cug_id.key() == cug_id.key());
        let named = is_named(look.app.engine.known::<Reseller>(own).await?.as_ref())
            || is_named(&look.app.engine.load::<Reseller>(own).await?.1);
        return if named { Ok(own) } else { Err(missing()) };
    }
    let claim = Claim::platform(ClaimScope::CugId, cug_id.key());
    let holders = look.app.engine.log().holders(&[claim]).await.map_err(engine::Error::from)?;
    let holder = holders.into_iter().flatten().find(|holder| holder.kind == AggregateKind::Reseller);
    holder.map(|holder| ResellerId(holder.id)).ok_or_else(missing)
}

/// Numbers that are the scope's own, in their order; `first` is what the first look finds, where that was had already.
async fn own(
    look: &Look,
    wanted: &Wanted,
    after: Option<String>,
    mut first: Option<Vec<NumberView>>,
    found: &mut Found,
) -> Result<(), Problem> {
    let begun_after = after.clone();
    let (mut before, mut growing): (_, Option<Growing>) = (after, None);
    let (mut seen, mut limit) = (0, wanted.limit + 1);
    while seen < ROWS_MAX {
        limit = limit.min(LOOK_ROWS_MAX).min(ROWS_MAX - seen);
        let views: Vec<NumberView> = match first.take() {
            Some(views) => views,
            None => query::select(look.app.engine.log(), &wanted.own(before.clone(), limit)).await?,
        };
        seen += views.len();
        let last = views.len() < limit;
        for view in views {
            let key = view.key();
            let left = match growing.as_mut() {
                Some(run) => run.take(view),
                None => Some(view),
            };
            if let Some(view) = left {
                found.runs.extend(growing.take().filter(|run| wanted.long_enough(run)).map(|run| run.body()));
                if found.runs.len() == wanted.limit {
                    found.next = before.map(|key| (None, key));
                    return Ok(());
                }
                growing = wanted.fits(&view).then(|| Growing::from(view, before));
            }
            before = Some(key);
        }
        if last {
            found.runs.extend(growing.filter(|run| wanted.long_enough(run)).map(|run| run.body()));
            // A full page, behind which there may be stock.
            found.next = before.filter(|_| found.runs.len() == wanted.limit).map(|key| (None, key));
            return Ok(());
        }
        limit *= 4;
    }
    // Enough was looked at. A run that may go on is left to the next page, unless this page saw nothing else.
    match growing {
        Some(run) if run.before != begun_after => before = run.before,
        Some(run) if wanted.long_enough(&run) => found.runs.push(run.body()),
        _ => {}
    }
    found.next = before.map(|key| (None, key));
    Ok(())
}

/// Free stock, as much of it as the page has room for; `first` is what a look with more room finds, where that was had.
async fn stock(
    look: &Look,
    wanted: &Wanted,
    after: Option<(Value, String)>,
    first: Option<Vec<FreeRun>>,
    found: &mut Found,
) -> Result<(), Problem> {
    let room = wanted.limit - found.runs.len();
    let mut runs = match first {
        Some(runs) => runs,
        None => query::select(look.app.engine.log(), &wanted.stock(after, room + 1)).await?,
    };
    let more = runs.len() > room;
    runs.truncate(room);
    let last = runs.last().filter(|_| more);
    found.next = last.map(|last| (Some(i64::from(last.length)), last.key()));
    found.runs.extend(runs.iter().map(NumberRunBody::from));
    Ok(())
}

impl Scope {
    /// What finds its numbers in an index.
    fn filters(&self) -> Vec<Filter> {
        match self {
            Self::Reseller(reseller) => {
                vec![equal("reseller", reseller.to_string()), equal("holding", <&str>::from(Holding::Free))]
            }
            Self::Company(company) => vec![equal("company", company.to_string())],
            Self::Site(site) => vec![equal("site", site.to_string())],
        }
    }

    /// Whether a number of it is there to be used.
    fn may_use(&self, holding: Holding) -> bool {
        use Holding as H;
        match self {
            Self::Reseller(_) => holding == H::Free,
            Self::Company(_) => {
                matches!(holding, H::Reserved | H::RingFenced | H::Allocated | H::AssignedToSite)
            }
            Self::Site(_) => holding == H::AssignedToSite,
        }
    }
}

impl Wanted {
    /// A look at numbers that are the scope's own, after one of them.
    fn own(&self, after: Option<String>, limit: usize) -> Select {
        Select {
            table: &NUMBER,
            filters: self.scope.filters(),
            order: "key",
            descending: false,
            after: after.map(|key| (Value::Text(key.clone()), key)),
            limit,
        }
    }

    /// A look at free stock, after a run of it.
    fn stock(&self, after: Option<(Value, String)>, limit: usize) -> Select {
        let mut filters = Vec::new();
        filters.extend(self.area.map(|area| equal("area", area.to_string())));
        filters.extend(self.place.as_ref().map(|place| equal("place", place.key())));
        let descending = self.in_a_row == 1;
        // A cursor says where to begin by itself; with a second bound on the same side, a store may search by the looser one.
        if descending || after.is_none() {
            let value = i64::from(self.in_a_row).into();
            filters.push(Filter { column: "length", comparison: Comparison::AtLeast, value });
        }
        Select { table: &NUMBER_RUN, filters, order: "length", descending, after, limit }
    }

    fn fits(&self, view: &NumberView) -> bool {
        self.scope.may_use(view.holding)
            && self.origin.is_none_or(|wanted| <&str>::from(wanted) == origin(view.network))
            && self.area.is_none_or(|area| area == view.area)
            && self
                .place
                .as_ref()
                .is_none_or(|place| view.place.as_ref().map(SiteName::key) == Some(place.key()))
    }

    fn long_enough(&self, run: &Growing) -> bool {
        run.quantity() >= self.in_a_row
    }
}
