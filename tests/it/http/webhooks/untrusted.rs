//! An endpoint that cannot prove who it is: nothing is ever sent there.

use super::*;

#[tokio::test]
async fn whoever_has_a_certificate_that_nobody_trusts_is_sent_nothing() {
    let (pretender, _) = Receiver::self_signed(|_| Reply::Status(204, "")).await;
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let hook = hooked(&client, &pretender.url).await;
    let path = format!("/v1/webhooks/{}", hook.text("id"));
    let test = client.post(&format!("{path}/test"), &json!(null)).await;
    assert_eq!(
        (&test.is(200).body["delivered"], &test.body["failure"]),
        (&json!(false), &json!("certificate_untrusted"))
    );
    tell_two(&site.world, companies[0]).await;
    let waiting = until(&client, &format!("{path}/deliveries?status=waiting"), |page| {
        page.body["items"].as_array().unwrap().iter().any(|it| it["attempts"] == 1)
    })
    .await;
    let items = waiting.body["items"].as_array().unwrap();
    assert!(items.iter().any(|it| it["failure"] == "certificate_untrusted"), "{items:#?}");
    site.close().await;
    let (connections, trusting) = pretender.met();
    assert!(connections >= 2 && trusting == 0, "{connections} connections, {trusting} of them went on");
    assert!(pretender.heard().is_empty());
}
