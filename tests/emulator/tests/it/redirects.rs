//! Chains of redirects, as a client follows them.

use crate::client::*;
use confluent_metrics_emulator::Fault;

#[test]
fn a_chain_of_redirects_ends_with_the_real_response() {
    let emulator = emulator_with_seven();
    let (agent, key) = (agent(&emulator), cloud(&emulator));
    let absolute = |hop: u16| format!("{}{PATH}?hop={hop}", emulator.url());
    for hop in [301, 302, 303, 307, 308] {
        let location = if hop % 2 == 0 {
            format!("{PATH}?hop={hop}")
        } else {
            absolute(hop)
        };
        emulator.fault(Fault::real_response().redirect(hop, &location));
    }
    let (mut target, mut statuses) = (PATH.to_owned(), Vec::new());
    loop {
        let response = post(&agent, &emulator, &target, &key, &body()).expect("a response");
        statuses.push(response.status);
        let Some(location) = response
            .all("location")
            .first()
            .map(|location| (*location).to_owned())
        else {
            assert_eq!(response.json()["data"][0]["value"], 7.0);
            break;
        };
        assert_eq!(response.body, "");
        target = location.trim_start_matches(emulator.url()).to_owned();
    }
    assert_eq!(statuses, [301, 302, 303, 307, 308, 200]);
    let hops: Vec<_> = [
        "", "?hop=301", "?hop=302", "?hop=303", "?hop=307", "?hop=308",
    ]
    .into();
    let requests = emulator.requests();
    assert_eq!(requests.len(), hops.len());
    for ((request, hop), status) in requests.iter().zip(hops).zip(statuses) {
        assert_eq!(
            (request.target.clone(), request.status),
            (format!("{PATH}{hop}"), status)
        );
        assert_eq!((request.method.as_str(), request.text()), ("POST", body()));
        assert_eq!(request.header("authorization"), Some(key.as_str()));
    }
    assert_eq!(
        emulator.connections(),
        1,
        "a redirect does not end the connection"
    );
}

#[test]
fn each_hop_can_differ_and_can_be_a_get() {
    let emulator = emulator_with_seven();
    let list = "/v2/metrics/cloud/descriptors/resources";
    emulator.fault(
        Fault::real_response()
            .redirect(303, &format!("{list}?hop=2"))
            .matching("hop=1"),
    );
    emulator.fault(
        Fault::real_response()
            .redirect(307, &format!("{list}?hop=1"))
            .matching("/query"),
    );
    emulator.fault(Fault::status(500).matching("hop=3"));
    let asked = try_query(&emulator).expect("a response");
    assert_eq!(
        (asked.status, asked.all("location")[0]),
        (307, format!("{list}?hop=1").as_str())
    );
    for (hop, status) in [(1, 303), (2, 200), (3, 500)] {
        let url = format!("{}{list}?hop={hop}", emulator.url());
        let response = read(agent(&emulator).get(url).call().expect("a response")).expect("a body");
        assert_eq!(response.status, status, "{hop}");
        assert_eq!(
            status == 200,
            response.body.contains("\"kafka\""),
            "{}",
            response.body
        );
    }
}
