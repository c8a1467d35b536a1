#include <arrow/filesystem/azurefs.h>
#include <arrow/filesystem/gcsfs.h>
#include <arrow/filesystem/s3fs.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include "CArrow.h"
#include "Guard.h"
#include "Store.h"

using pregao::guarded;

namespace {

bool is_given(const char *text) { return text != nullptr && *text != '\0'; }

struct Endpoint {
  std::string scheme = "https";
  std::string authority;
};

Endpoint endpoint_of(const char *text) {
  Endpoint endpoint;
  if (!is_given(text)) return endpoint;
  std::string url = text;
  const auto separator = url.find("://");
  if (separator != std::string::npos) {
    endpoint.scheme = url.substr(0, separator);
    url = url.substr(separator + 3);
  }
  endpoint.authority = url.substr(0, url.find('/'));
  return endpoint;
}

arrow::Status initialize_s3() {
  static std::once_flag once;
  static arrow::Status status;
  std::call_once(once, [] {
    arrow::fs::S3GlobalOptions options = arrow::fs::S3GlobalOptions::Defaults();
    options.log_level = arrow::fs::S3LogLevel::Off;
    status = arrow::fs::InitializeS3(options);
  });
  return status;
}

// Arrow: "Once this function is called you MUST call FinalizeS3 before the end of the application". What the first file
// system makes for all of them must still be there then: what was registered later goes earlier.
void finalize_s3_at_exit() {
  static std::once_flag once;
  std::call_once(once, [] { atexit([] { (void)arrow::fs::EnsureS3Finalized(); }); });
}

// A kept connection may be one that the server has closed since: one more try tells. All else is up to the caller, who
// knows how long it has patience, and is seen to wait.
class OneMoreTry : public arrow::fs::S3RetryStrategy {
 public:
  bool ShouldRetry(const AWSErrorDetail &error, int64_t attempted) override {
    return attempted < 1 && error.message.find("curlCode: 28") == std::string::npos && error.should_retry;
  }
  int64_t CalculateDelayBeforeNextRetry(const AWSErrorDetail &, int64_t) override { return 50; }
};

arrow::Status open_s3(const pregao_store_options &given, pregao_store &store) {
  ARROW_RETURN_NOT_OK(initialize_s3());
  auto options = is_given(given.access_key) ? arrow::fs::S3Options::FromAccessKey(given.access_key, given.secret_key)
                                            : arrow::fs::S3Options::Defaults();
  const Endpoint endpoint = endpoint_of(given.endpoint);
  options.endpoint_override = endpoint.authority;
  options.scheme = endpoint.scheme;
  if (is_given(given.region)) {
    options.region = given.region;
  } else if (endpoint.authority.empty() && !is_given(getenv("AWS_REGION")) && !is_given(getenv("AWS_DEFAULT_REGION"))) {
    ARROW_ASSIGN_OR_RAISE(options.region, arrow::fs::ResolveS3BucketRegion(given.bucket));
  }
  options.connect_timeout = given.connect_timeout;
  options.request_timeout = given.request_timeout;
  options.retry_strategy = std::make_shared<OneMoreTry>();
  options.tls_ca_file_path = pregao_store_certificates();
  // Else even the smallest object takes three requests; and a small one is put in one request, whole or not at all.
  options.allow_delayed_open = true;
  options.background_writes = false;
  auto made = arrow::fs::S3FileSystem::Make(options);
  finalize_s3_at_exit();
  ARROW_ASSIGN_OR_RAISE(store.files, std::move(made));
  return arrow::Status::OK();
}

arrow::Status open_gcs(const pregao_store_options &given, pregao_store &store) {
  const Endpoint endpoint = endpoint_of(given.endpoint);
  // What is not Google's own, without TLS, is a server for tests, which knows no credentials.
  auto options = endpoint.scheme == "http" ? arrow::fs::GcsOptions::Anonymous() : arrow::fs::GcsOptions::Defaults();
  options.endpoint_override = endpoint.authority;
  options.scheme = endpoint.scheme;
  options.retry_limit_seconds = given.request_timeout;
  store.aborts_by_dropping = true;
  store.has_no_folders = true;
  ARROW_ASSIGN_OR_RAISE(store.files, arrow::fs::GcsFileSystem::Make(options));
  return arrow::Status::OK();
}

arrow::Status open_azure(const pregao_store_options &given, pregao_store &store) {
  std::string path;
  ARROW_ASSIGN_OR_RAISE(auto options, arrow::fs::AzureOptions::FromUri(given.url, &path));
  const Endpoint endpoint = endpoint_of(given.endpoint);
  if (!endpoint.authority.empty()) {
    options.blob_storage_authority = options.dfs_storage_authority = endpoint.authority;
    options.blob_storage_scheme = options.dfs_storage_scheme = endpoint.scheme;
  }
  if (is_given(given.secret_key)) ARROW_RETURN_NOT_OK(options.ConfigureAccountKeyCredential(given.secret_key));
  options.background_writes = false;
  ARROW_ASSIGN_OR_RAISE(store.files, arrow::fs::AzureFileSystem::Make(options));
  return arrow::Status::OK();
}

}  // namespace

// The wheel's TLS library looks for certificates where another system keeps them.
const char *pregao_store_certificates(void) noexcept {
  if (const char *given = getenv("SSL_CERT_FILE"); is_given(given)) return given;
  for (const char *path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
    if (access(path, R_OK) == 0) return path;
  }
  return "";
}

char *pregao_store_open(const struct pregao_store_options *options, struct pregao_store **store) noexcept {
  return guarded([&]() -> arrow::Status {
    static std::once_flag once;
    std::call_once(once, [] {
      arrow::fs::FileSystemGlobalOptions global;
      global.tls_ca_file_path = pregao_store_certificates();
      (void)arrow::fs::Initialize(global);
    });
    auto made = std::make_unique<pregao_store>();
    switch (options->kind) {
      case pregao_store_s3:
        ARROW_RETURN_NOT_OK(open_s3(*options, *made));
        break;
      case pregao_store_gcs:
        ARROW_RETURN_NOT_OK(open_gcs(*options, *made));
        break;
      case pregao_store_azure:
        ARROW_RETURN_NOT_OK(open_azure(*options, *made));
        break;
    }
    *store = made.release();
    return arrow::Status::OK();
  });
}

char *pregao_store_credentials_now(struct pregao_store *store, struct pregao_store_credentials *credentials) noexcept {
  return guarded([&]() -> arrow::Status {
    auto s3 = std::dynamic_pointer_cast<arrow::fs::S3FileSystem>(store->files);
    if (!s3) return arrow::Status::Invalid("only S3's credentials can be told");
    const auto options = s3->options();
    credentials->access_key = pregao::message(options.GetAccessKey());
    credentials->secret_key = pregao::message(options.GetSecretKey());
    credentials->session_token = pregao::message(options.GetSessionToken());
    credentials->region = pregao::message(s3->region());
    return arrow::Status::OK();
  });
}
