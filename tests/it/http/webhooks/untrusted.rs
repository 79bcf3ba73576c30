//! An endpoint that cannot prove who it is: nothing is ever sent there.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::{io::AsyncReadExt as _, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

use super::*;

#[tokio::test]
async fn whoever_has_a_certificate_that_nobody_trusts_is_sent_nothing() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/hook", listener.local_addr().unwrap().port());
    let (tried, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (connections, bytes_heard) = (Arc::clone(&tried), Arc::clone(&heard));
    let pretender = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut bytes = [0; 1_024];
                bytes_heard.fetch_add(stream.read(&mut bytes).await.unwrap_or(0), Ordering::SeqCst);
            }
        }
    });
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let hook = hooked(&client, &url).await;
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
    pretender.abort();
    assert!(tried.load(Ordering::SeqCst) >= 2);
    assert_eq!(heard.load(Ordering::SeqCst), 0);
}
