//! Two resellers who want one number at the same moment: one has it, on every store, also where each asks a server of its own.
//! And one message, told many times at the same moment: it is applied once.

use futures::future::join_all;
use serde_json::json;

use super::{
    Client, Said, Site,
    reservations::{numbers, qualified},
};
use crate::world::Store;

/// Tasks that want one number at once.
const TASKS: usize = 40;
/// Numbers that are raced for.
const ROUNDS: usize = 3;

/// Who takes part.
struct Reseller {
    /// One for each server that it asks.
    clients: Vec<Client>,
    company: String,
}

async fn race(resellers: [Reseller; 2]) {
    for round in 0..ROUNDS {
        let number = format!("0113 496 01{round:02}");
        let tasks = (0..TASKS).map(|n| {
            let Reseller { clients, company } = &resellers[n % 2];
            let (client, body) = (clients[n / 2 % clients.len()].clone(), numbers(company, &[&number]));
            tokio::spawn(async move { (n % 2, client.post("/v1/reservations", &body).await) })
        });
        let answers: Vec<(usize, Said)> =
            join_all(tasks).await.into_iter().map(|answer| answer.unwrap()).collect();
        let winners: Vec<&(usize, Said)> = answers.iter().filter(|(_, said)| said.status == 201).collect();
        assert_eq!(winners.len(), 1, "exactly one holder: {winners:?}");
        let (winner, won) = winners[0];
        for (who, said) in answers.iter().filter(|(_, said)| said.status != 201) {
            if who == winner {
                // Its own company has it by now.
                let code = said.is(if said.status == 409 { 409 } else { 422 }).errors().remove(0).1;
                assert!(["number_taken", "numbers_held"].contains(&code.as_str()), "{code}");
            } else {
                said.problem(409, "taken");
                assert_eq!(said.errors(), [("/ask".into(), "number_taken".into())]);
            }
        }
        // Whomever they ask, they are told the same.
        let (position, e164) = (won.header("orderwire-position"), format!("+4411349601{round:02}"));
        for (who, Reseller { clients, company }) in resellers.iter().enumerate() {
            for client in clients {
                let path = format!("/v1/companies/{company}/numbers?after_position={position}");
                let held = client.get(&path).await.is(200).body.to_string();
                assert_eq!(held.contains(&e164), who == *winner, "{held}");
            }
        }
    }
}

async fn on(store: Store) {
    let site = Site::over(store).await;
    site.world.leeds().await;
    let (_, one) = site.reseller(1).await;
    let (_, two) = site.reseller(2).await;
    let (acme, bolt) = (qualified(&one, "Acme").await, qualified(&two, "Bolt").await);
    race([Reseller { clients: vec![one], company: acme }, Reseller { clients: vec![two], company: bolt }])
        .await;
    site.close().await;
}

/// What one sender says several times at once is heard once, and known each other time.
async fn the_same_message_at_once(store: Store) {
    let site = Site::over(store).await;
    site.world.leeds().await;
    let operator = site.operator().await;
    for round in 0..ROUNDS {
        let out = json!({ "message": format!("N-{round}"), "numbers": [format!("0113 496 01{round:02}")] });
        let asked = (0..TASKS).map(|_| {
            let (operator, out) = (operator.clone(), out.clone());
            tokio::spawn(async move { operator.post("/v1/operator/stock/port-outs", &out).await })
        });
        let mut outcomes: Vec<String> = Vec::new();
        for said in join_all(asked).await {
            outcomes.push(said.unwrap().is(200).text("outcome").to_owned());
        }
        outcomes.sort_unstable();
        assert_eq!((outcomes[0].as_str(), outcomes[1].as_str()), ("applied", "known"), "{outcomes:?}");
        assert!(outcomes[1..].iter().all(|outcome| outcome == "known"), "{outcomes:?}");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_port_out_that_is_told_many_times_at_once_is_applied_once_and_known_else() {
    the_same_message_at_once(Store::memory().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_port_out_that_is_told_many_times_at_once_is_applied_once_on_sqlite() {
    the_same_message_at_once(Store::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_resellers_race_for_a_number_and_one_has_it_in_memory() {
    on(Store::memory().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_resellers_race_for_a_number_and_one_has_it_on_sqlite() {
    on(Store::sqlite()).await;
}

#[cfg(feature = "postgres")]
mod on_postgres {
    use std::fs;

    use serde_json::Value;

    use super::{super::stopping, Client, Reseller, Store, on, qualified, race, the_same_message_at_once};
    use crate::postgres::Scratch;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn two_resellers_race_for_a_number_and_one_has_it_on_postgres() {
        let Some(database) = Scratch::make().await else { return };
        on(Store::at(database.url())).await;
        database.drop_it().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_port_out_that_is_told_many_times_at_once_is_applied_once_on_postgres() {
        let Some(database) = Scratch::make().await else { return };
        the_same_message_at_once(Store::at(database.url())).await;
        database.drop_it().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn two_resellers_race_for_a_number_through_two_servers_and_one_has_it() {
        let Some(database) = Scratch::make().await else { return };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("orderwire.toml"), format!("store = '{}'\n", database.url())).unwrap();
        fs::write(
            folder.path().join("stock.csv"),
            "range,place,range_holder\n0113 496 0000-0199,Leeds,001\n",
        )
        .unwrap();
        let done = |arguments: &[&str]| stopping::done(folder.path(), arguments);
        done(&["migrate"]);
        done(&["stock", "load", "stock.csv"]);
        let servers = [(); 2].map(|()| stopping::served(folder.path()));
        let nobody = servers.each_ref().map(|(_, url)| Client {
            http: reqwest::Client::new(),
            url: url.clone(),
            token: None,
        });
        let mut resellers = Vec::new();
        for (code, name) in [("R1", "Acme"), ("R2", "Bolt")] {
            done(&["resellers", "add", code, "--name", name]);
            let key = done(&["keys", "create", "--role", "reseller", "--reseller", code]);
            let Value::String(token) = &key["token"] else { panic!("{key}") };
            let clients: Vec<Client> = nobody.iter().map(|nobody| nobody.presenting(token)).collect();
            let company = qualified(&clients[0], name).await;
            resellers.push(Reseller { clients, company });
        }
        let [one, two]: [Reseller; 2] = resellers.try_into().unwrap_or_else(|_| panic!("there are two"));
        race([one, two]).await;
        for (server, _) in servers {
            server.told("-TERM");
        }
        database.drop_it().await;
    }
}
