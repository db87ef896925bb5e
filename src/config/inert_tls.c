/* Redis's options about encryption: kept and checked, without effect here.
 *
 * Data only, off the data path. Names, defaults and ranges are those of Redis 7.2; some are newer.
 */
#include "inert.h"

static const struct option_choice choices_tls_auth_clients[] = {
    {"no", 0},
    {"yes", 1},
    {"optional", 2},
    {NULL, 0},
};

static const struct option_choice choices_tls_auth_clients_user[] = {
    {"off", 0},
    {"cn", 1},
    {NULL, 0},
};

const struct option_row inert_tls_rows[] = {
    INERT_NUMBER("tls-port", NULL, "0", 0, 65535, "Port for TLS connections."),
    INERT_NUMBER("max-new-tls-connections-per-cycle", NULL, "1", 1, 1000,
                 "TLS connections accepted at once."),
    INERT_TEXT("tls-cert-file", NULL, 0, "", "Certificate of the server."),
    INERT_TEXT("tls-key-file", NULL, 0, "", "Key of the server."),
    INERT_TEXT("tls-key-file-pass", NULL, OPTION_SECRET, "", "Password of the key."),
    INERT_TEXT("tls-client-cert-file", NULL, 0, "", "Certificate for outgoing connections."),
    INERT_TEXT("tls-client-key-file", NULL, 0, "", "Key for outgoing connections."),
    INERT_TEXT("tls-client-key-file-pass", NULL, OPTION_SECRET, "", "Password of that key."),
    INERT_TEXT("tls-dh-params-file", NULL, 0, "", "Diffie-Hellman parameters."),
    INERT_TEXT("tls-ca-cert-file", NULL, 0, "", "Certificates of trusted authorities."),
    INERT_TEXT("tls-ca-cert-dir", NULL, 0, "", "Directory of such certificates."),
    INERT_ENUM("tls-auth-clients", 0, "yes", choices_tls_auth_clients,
               "Ask clients for certificates."),
    INERT_ENUM("tls-auth-clients-user", 0, "off", choices_tls_auth_clients_user,
               "Take the user from the certificate."),
    INERT_BOOL("tls-replication", NULL, 0, "no", "TLS towards primaries."),
    INERT_BOOL("tls-cluster", NULL, 0, "no", "TLS on the cluster bus."),
    INERT_TEXT("tls-protocols", NULL, 0, "", "Allowed protocol versions."),
    INERT_TEXT("tls-ciphers", NULL, 0, "", "Allowed ciphers up to TLS 1.2."),
    INERT_TEXT("tls-ciphersuites", NULL, 0, "", "Allowed ciphers of TLS 1.3."),
    INERT_BOOL("tls-prefer-server-ciphers", NULL, 0, "no", "Prefer the server's order of ciphers."),
    INERT_BOOL("tls-session-caching", NULL, 0, "yes", "Let clients resume sessions."),
    INERT_NUMBER("tls-session-cache-size", NULL, "20480", 0, INT32_MAX, "Most cached sessions."),
    INERT_NUMBER("tls-session-cache-timeout", NULL, "300", 0, INT32_MAX,
                 "Seconds a session stays cached."),
};
const size_t inert_tls_count = sizeof(inert_tls_rows) / sizeof(inert_tls_rows[0]);
