#include "server/http/exchange.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

namespace deucalion::http {
namespace {

// Small pieces of a source are gathered to this before they are framed and written.
constexpr size_t kPieceBytes = 32 << 10;

}  // namespace

Mailbox::Mailbox() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

bool Mailbox::Empty() const {
  return mail_.exchanges.empty() && mail_.pushes.empty() && mail_.tasks.empty();
}

void Mailbox::Signal(bool was_empty) {
  if (!was_empty) return;  // The loop is already on its way.
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof(one));
}

void Mailbox::Post(std::shared_ptr<Exchange> exchange) {
  bool was_empty = false;
  {
    MutexLock lock(mu_);
    was_empty = Empty();
    mail_.exchanges.push_back(std::move(exchange));
  }
  Signal(was_empty);
}

void Mailbox::PostPush(uint64_t id) {
  bool was_empty = false;
  {
    MutexLock lock(mu_);
    was_empty = Empty();
    mail_.pushes.push_back(id);
  }
  Signal(was_empty);
}

void Mailbox::PostTask(std::function<void()> task) {
  bool was_empty = false;
  {
    MutexLock lock(mu_);
    was_empty = Empty();
    mail_.tasks.push_back(std::move(task));
  }
  Signal(was_empty);
}

Mailbox::Mail Mailbox::Collect() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(event_.get(), &count, sizeof(count));
  MutexLock lock(mu_);
  return std::exchange(mail_, Mail());
}

void Exchange::Run() {
  Phase expected = Phase::kQueued;
  if (!phase_.compare_exchange_strong(expected, Phase::kRunning)) return;
  const bool measured = cost_key != 0 && !started_;
  const int64_t begin_ns = measured ? Clock::Real()->MonotonicNs() : 0;
  outcome_ = started_ ? Pump() : Start();
  const int64_t now_ns = Clock::Real()->MonotonicNs();
  // What was given up says nothing of what it costs.
  if (measured && !cancel_.canceled()) env_->costs->Observe(cost_key, now_ns - begin_ns);
  if (outcome_ == Outcome::kDone || outcome_ == Outcome::kFailed) ObserveMetricsAt(now_ns);
  const bool loop_must_act = outcome_ != Outcome::kDone || !reusable();
  const std::shared_ptr<Exchange> self = shared_from_this();
  // From here on the loop may use everything but `self`, `mailbox_` and the two atomics. Both sides
  // write their own flag before they read the other's, so at least one sees that both are set.
  phase_.store(Phase::kFinished);
  if (watched_.load() || loop_must_act) mailbox_->Post(self);
}

bool Exchange::Watch() {
  watched_.store(true);
  return finished();
}

bool Exchange::Withdraw() {
  Phase expected = Phase::kQueued;
  if (!phase_.compare_exchange_strong(expected, Phase::kAbandoned)) return false;
  request = Request();  // The pool may hold us for a while yet.
  response_.source.reset();
  return true;
}

bool Exchange::Abandon() {
  Cancel();
  hopeless_.store(true);
  return Withdraw() || finished();
}

void Exchange::Requeue() {
  watched_.store(false);
  phase_.store(Phase::kQueued);
}

Exchange::Outcome Exchange::Start() {
  started_ = true;
  request.cancel = cancel_;
  // HEAD and the rest must be known after the handler has moved out of the request.
  const std::string method = request.method;
  const std::function<void(Response*)> respond = [this](Response* response) { Respond(response); };
  const Engine::Call call{.method = method, .close = !keep_alive, .respond = &respond};
  output_->Push(env_->engine->Process(call, &response_));
  request = Request();
  if (!response_.body.empty()) PushBody(std::exchange(response_.body, std::string()));
  return Pump();
}

void Exchange::Respond(Response* response) {
  const bool head_request = request.method == "HEAD";
  try {
    if (!env_->options->gate || env_->options->gate(request, response)) {
      route->handler(request, response);
    }
  } catch (const std::exception& e) {
    env_->logger->Error("HTTP handler failed",
                        {{"handler", route->options.label}, {"err", e.what()}});
    *response = Response();
    response->Error(500, StatusText(500));
  }
  framing_ = FinishResponse({.head_request = head_request,
                             .http10 = http10,
                             .keep_alive = keep_alive,
                             .compress = route->options.compress,
                             .accept_encoding = accept_encoding},
                            response);
}

void Exchange::PushBody(std::string piece) {
  const bool streamed = response_.source != nullptr || response_.push != nullptr;
  if (streamed && framing_.encoder != nullptr) {
    std::string encoded;
    framing_.encoder->Encode(piece, false, &encoded);
    piece = std::move(encoded);
  }
  body_bytes_ += piece.size();
  output_->Push(framing_.chunked ? ChunkOf(std::move(piece)) : std::move(piece));
}

bool Exchange::PullPiece() {
  std::string piece;
  bool more = true;
  while (more && piece.size() < kPieceBytes) {
    Result<bool> result = response_.source->Next(&piece);
    if (!result.ok()) {
      env_->logger->Warn("HTTP response cut short",
                         {{"handler", route->options.label}, {"err", result.status()}});
      return false;
    }
    more = *result;
  }
  if (!more && framing_.encoder != nullptr) {
    std::string encoded;
    framing_.encoder->Encode(piece, true, &encoded);
    piece = std::move(encoded);
    framing_.encoder.reset();
  }
  PushBody(std::move(piece));
  if (!more) {
    response_.source.reset();
    if (framing_.chunked) output_->Push(std::string(kLastChunk));
  }
  return true;
}

Exchange::Outcome Exchange::Pump() {
  try {
    while (true) {
      if (hopeless_.load()) return Outcome::kFailed;
      const IoState state = output_->Flush(transport_);
      if (state != IoState::kOk && state != IoState::kBlocked) return Outcome::kFailed;
      const bool full = output_->pending_bytes() >= env_->options->limits.output_buffer_bytes;
      if (state == IoState::kBlocked && (full || response_.source == nullptr)) {
        return Outcome::kBlocked;
      }
      if (response_.source == nullptr) {
        return response_.push != nullptr ? Outcome::kPush : Outcome::kDone;
      }
      if (!PullPiece()) return Outcome::kFailed;
    }
  } catch (const std::exception& e) {
    env_->logger->Error("HTTP response cut short",
                        {{"handler", route->options.label}, {"err", e.what()}});
    return Outcome::kFailed;
  }
}

void Exchange::ObserveMetrics() {
  if (!observed_) ObserveMetricsAt(Clock::Real()->MonotonicNs());
}

void Exchange::ObserveMetricsAt(int64_t now_ns) {
  if (metrics == nullptr || observed_) return;
  observed_ = true;
  const double seconds = static_cast<double>(now_ns - start_ns) / 1e9;
  metrics->Observe(response_.status, seconds, static_cast<double>(body_bytes_));
}

}  // namespace deucalion::http
