#include "server/http/connection.h"

#include <sys/epoll.h>
#include <sys/uio.h>

namespace deucalion::http {
namespace {

// One connection may read this much before the others get their turn.
constexpr size_t kReadShareBytes = 1 << 20;
// How long the client may take to notice our last word.
constexpr std::chrono::milliseconds kDrainTime{1000};
// Work waits in a PushStream rather than here.
constexpr size_t kPushBufferBytes = 64 << 10;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

int64_t Ns(std::chrono::milliseconds ms) { return std::chrono::nanoseconds(ms).count(); }

ParserLimits LimitsOf(const Limits& limits) {
  return {.request_line_bytes = limits.request_line_bytes,
          .header_bytes = limits.header_bytes,
          .header_count = limits.header_count};
}

}  // namespace

Connection::Connection(uint64_t id, ServerShared* shared, ConnectionHost* host, UniqueFd fd,
                       std::shared_ptr<TlsContext> tls, std::string remote_addr)
    : id_(id),
      shared_(shared),
      host_(host),
      remote_addr_(std::move(remote_addr)),
      transport_(std::move(fd), tls),
      parser_(LimitsOf(shared->options.limits)),
      state_(tls != nullptr ? State::kHandshake : State::kReading) {
  const Timeouts& timeouts = shared->options.timeouts;
  deadline_ns_ = host->now_ns() + Ns(tls != nullptr ? timeouts.tls_handshake : timeouts.read);
}

Connection::~Connection() { shared_->body_bytes.fetch_sub(accounted_body_); }

void Connection::OnEvents(uint32_t events) {
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & EPOLLRDHUP) peer_done_ = true;
  if (events & (EPOLLHUP | EPOLLERR)) gone_ = peer_done_ = true;
  if (state_ == State::kBusy) {
    if (peer_done_) exchange_->Cancel();
    const bool untouched = gone_ && exchange_->Abandon();
    if (untouched && !exchange_->finished()) {
      Close();
      return;
    }
    if (!exchange_->Watch()) return;
    TakeBack();
  }
  Progress();
}

void Connection::OnExchange(const Exchange* exchange) {
  if (state_ != State::kBusy || exchange_.get() != exchange || !exchange->finished()) return;
  TakeBack();
  Progress();
}

void Connection::OnHandedOver() {
  if (state_ != State::kBusy || !WatchIfMoreWaits()) return;
  TakeBack();
  Progress();
}

// With the next request in hand there will be no event to wake us. True when the exchange is over.
bool Connection::WatchIfMoreWaits() {
  return (!leftover_.empty() || readable_) && exchange_->Watch();
}

void Connection::OnPush() {
  if (state_ == State::kPushing) PumpPush();
  Progress();
}

void Connection::Continue() { Progress(); }

// Goes on as far as the socket allows. States only change in the calls below, each of which either
// moves to another state or leaves the connection waiting.
void Connection::Progress() {
  while (true) {
    switch (state_) {
      case State::kHandshake:
        ShakeHands();
        if (state_ == State::kHandshake) return;
        break;
      case State::kReading:
        if (!ReadRequest()) return;
        break;
      case State::kWriting:
        FlushOutput();
        if (state_ == State::kWriting) return;
        break;
      case State::kPushing:
        if (peer_done_) {
          Close();
          return;
        }
        PumpPush();
        if (state_ == State::kPushing) return;
        break;
      case State::kDraining:
        DrainInput();
        return;
      case State::kBusy:
      case State::kClosed:
        return;
    }
  }
}

void Connection::ShakeHands() {
  switch (transport_.Handshake()) {
    case IoState::kOk:
      state_ = State::kReading;
      deadline_ns_ = host_->now_ns() + Ns(shared_->options.timeouts.read);
      return;
    case IoState::kBlocked:
      if (gone_) Close();
      return;
    case IoState::kEof:
    case IoState::kError:
      Close();
      return;
  }
}

bool Connection::ReadRequest() {
  size_t share = 0;
  while (state_ == State::kReading) {
    if (!leftover_.empty()) {
      FeedLeftover();
      continue;
    }
    if (!readable_) return false;
    if (share >= kReadShareBytes) {
      host_->Yield(id_);
      return false;
    }
    const IoResult result = transport_.Read(host_->scratch(), kScratchBytes);
    if (result.state == IoState::kBlocked) {
      readable_ = false;
      return false;
    }
    if (result.state != IoState::kOk) {
      Close();
      return false;
    }
    if (result.drained && !peer_done_) readable_ = false;
    share += result.bytes;
    Feed(std::string_view(host_->scratch(), result.bytes));
  }
  return state_ != State::kClosed;
}

void Connection::FeedLeftover() {
  const std::string bytes = std::exchange(leftover_, std::string());
  Feed(bytes);
}

void Connection::Feed(std::string_view bytes) {
  if (!request_begun_) {
    request_begun_ = true;
    deadline_ns_ = host_->now_ns() + Ns(shared_->options.timeouts.header);
  }
  while (true) {
    bytes.remove_prefix(parser_.Feed(bytes));
    switch (parser_.state()) {
      case RequestParser::State::kHeadDone:
        if (!OnHead()) return;
        break;
      case RequestParser::State::kError:
        Answer(parser_.error_status(), parser_.error_text());
        return;
      case RequestParser::State::kDone:
        if (!AccountBody()) return;
        leftover_.assign(bytes);
        Dispatch();
        return;
      case RequestParser::State::kHead:
        if (parser_.idle()) NextRequest();  // Only empty lines.
        return;
      case RequestParser::State::kBody:
        AccountBody();
        return;
    }
  }
}

size_t Connection::MaxBody(const Route& route) const {
  if (route.options.max_body_bytes != 0) return route.options.max_body_bytes;
  const Limits& limits = shared_->options.limits;
  switch (route.options.pool) {
    case PoolClass::kIngest:
      return limits.ingest_body_bytes;
    case PoolClass::kQuery:
      return limits.query_body_bytes;
    case PoolClass::kInline:
    case PoolClass::kAdmin:
      break;
  }
  return limits.admin_body_bytes;
}

bool Connection::OnHead() {
  const RequestHead& head = parser_.head();
  match_ = shared_->router->Find(head.method, head.path);
  parser_.StartBody(MaxBody(*match_.route));
  if (parser_.state() != RequestParser::State::kBody) return true;
  const Timeouts& timeouts = shared_->options.timeouts;
  deadline_ns_ = host_->now_ns() + Ns(timeouts.read);
  StartWindow(timeouts.body_progress, 0);
  if (!head.expect_continue) return true;
  // Nothing of ours waits in the socket now, so 25 bytes fit or the connection is dead.
  const iovec piece{const_cast<char*>(kContinue.data()), kContinue.size()};
  if (transport_.Write(&piece, 1).bytes == kContinue.size()) return true;
  Close();
  return false;
}

bool Connection::AccountBody() {
  const size_t size = parser_.body().size();
  const size_t more = size - accounted_body_;
  if (more == 0) return true;  // nothing for other loops to know
  accounted_body_ = size;
  const size_t before = shared_->body_bytes.fetch_add(more);
  if (before + more <= shared_->options.limits.total_body_bytes) return true;
  Answer(503, "too many request bodies in flight");
  return false;
}

std::shared_ptr<Exchange> Connection::MakeExchange(const std::shared_ptr<const Route>& route) {
  auto exchange =
      std::make_shared<Exchange>(&shared_->exchange_env, host_->mailbox(), &transport_, &output_);
  RequestHead& head = parser_.head();
  exchange->accept_encoding = head.headers.Get("Accept-Encoding");
  exchange->keep_alive = head.keep_alive && !shared_->stopping.load(std::memory_order_relaxed);
  exchange->http10 = head.minor_version == 0;
  Request& request = exchange->request;
  request.method = std::move(head.method);
  request.path = std::move(head.path);
  request.raw_path = std::move(head.raw_path);
  request.query = std::move(head.query);
  request.headers = std::move(head.headers);
  request.body = std::move(parser_.body());
  request.remote_addr = remote_addr_;
  request.tls = transport_.tls();
  request.path_params = std::move(match_.params);
  exchange->route = route;
  if (match_.found) exchange->metrics = shared_->metrics->Handler(route->options.label);
  if (route->options.cost_key) exchange->cost_key = route->options.cost_key(request);
  exchange->start_ns = host_->now_ns();
  exchange->connection_id = id_;
  return exchange;
}

void Connection::Dispatch() {
  const std::shared_ptr<const Route> route = std::move(match_.route);
  exchange_ = MakeExchange(route);
  parser_.Reset();
  request_begun_ = false;
  state_ = State::kBusy;
  if (peer_done_) exchange_->Cancel();
  const PoolClass pool = route->options.pool;
  if (pool == PoolClass::kInline && !shared_->options.gate) {
    exchange_->Run();
    TakeBack();
    return;
  }
  exchange_->expected_ns = shared_->costs.CheapNs(exchange_->cost_key);
  if (exchange_->expected_ns >= 0 && host_->TakesRequest(exchange_->expected_ns)) {
    queued_first_ = false;
    host_->RunHere(exchange_);
    return;
  }
  SubmitToPool();
}

void Connection::OnNotRunHere() {
  if (state_ == State::kBusy && !exchange_->finished()) SubmitToPool();
}

void Connection::SubmitToPool() {
  const PoolClass pool = exchange_->route->options.pool;
  queued_first_ = true;
  deadline_ns_ = host_->now_ns() + shared_->dispatcher->max_wait_ns(pool);
  (void)WatchIfMoreWaits();
  if (!shared_->dispatcher->Submit(pool, exchange_)) {
    exchange_->Withdraw();
    SendBusy();
  }
}

// After the exchange was withdrawn.
void Connection::SendBusy() {
  const bool keep = exchange_->keep_alive;
  std::string answer = BusyAnswer(keep);
  if (exchange_->metrics != nullptr) {
    const int64_t waited_ns = host_->now_ns() - exchange_->start_ns;
    exchange_->metrics->Observe(503, static_cast<double>(waited_ns) / 1e9,
                                static_cast<double>(answer.size()));
  }
  EndExchange();
  output_.Push(std::move(answer));
  keep_after_output_ = keep;
  state_ = State::kWriting;
  StartWindow(shared_->options.timeouts.write_progress, output_.taken_bytes());
}

void Connection::TakeBack() {
  queued_first_ = false;
  keep_after_output_ = exchange_->reusable();
  const Exchange::Outcome outcome = exchange_->outcome();
  if (outcome == Exchange::Outcome::kFailed) {
    Close();
    return;
  }
  if (outcome == Exchange::Outcome::kDone) {
    AfterOutput();
    return;
  }
  StartWindow(shared_->options.timeouts.write_progress, output_.taken_bytes());
  state_ = State::kWriting;
  if (exchange_->push() == nullptr) return;
  state_ = State::kPushing;
  exchange_->push()->Attach([mailbox = host_->mailbox(), id = id_] { mailbox->PostPush(id); });
  if (shared_->stopping.load()) exchange_->push()->Close();
}

void Connection::FlushOutput() {
  const IoState state = output_.Flush(&transport_);
  if (state == IoState::kBlocked) {
    const size_t low_water = shared_->options.limits.output_buffer_bytes / 4;
    const bool wants_more = exchange_ != nullptr && exchange_->has_source();
    if (!wants_more || output_.pending_bytes() > low_water) return;
  } else if (state != IoState::kOk) {
    Close();
    return;
  }
  AfterOutput();
}

// The client has taken (nearly) all there was.
void Connection::AfterOutput() {
  if (exchange_ != nullptr && exchange_->has_source()) {
    state_ = State::kBusy;
    exchange_->Requeue();
    shared_->dispatcher->Resume(exchange_->route->options.pool, exchange_);
    return;
  }
  EndExchange();
  if (!keep_after_output_ || shared_->stopping.load(std::memory_order_relaxed)) {
    const bool unread = readable_ || !leftover_.empty();
    if (unread && !peer_done_) {
      Drain();
    } else {
      Close();
    }
    return;
  }
  state_ = State::kReading;
  NextRequest();
}

void Connection::NextRequest() {
  request_begun_ = false;
  deadline_ns_ = host_->now_ns() + Ns(shared_->options.timeouts.read);
}

void Connection::EndExchange() {
  if (exchange_ != nullptr) {
    if (exchange_->finished()) {
      exchange_->ObserveMetrics();
      if (exchange_->push() != nullptr) exchange_->push()->ClientGone();
    }
    exchange_.reset();
  }
  const size_t accounted = std::exchange(accounted_body_, 0);
  if (accounted != 0) shared_->body_bytes.fetch_sub(accounted);
}

void Connection::PumpPush() {
  while (true) {
    if (output_.pending_bytes() < kPushBufferBytes) {
      std::string bytes;
      const bool open = exchange_->push()->Take(&bytes);
      exchange_->AddPushedBytes(bytes.size());
      const bool nothing = bytes.empty();
      output_.Push(exchange_->chunked() ? ChunkOf(std::move(bytes)) : std::move(bytes));
      if (!open) {
        if (exchange_->chunked()) output_.Push(std::string(kLastChunk));
        state_ = State::kWriting;
        return;
      }
      if (nothing && output_.pending_bytes() == 0) {
        StartWindow(shared_->options.timeouts.write_progress, output_.taken_bytes());
        return;
      }
    }
    const IoState state = output_.Flush(&transport_);
    if (state == IoState::kBlocked) return;
    if (state != IoState::kOk) {
      Close();
      return;
    }
  }
}

void Connection::Answer(int status, std::string_view detail) {
  SendAndClose(ShortAnswer(status, detail));
}

// The client may still be sending: linger, so that it can read the answer.
void Connection::SendAndClose(std::string bytes) {
  output_.Push(std::move(bytes));
  const IoState state = output_.Flush(&transport_);
  if (state != IoState::kOk) {
    Close();
    return;
  }
  Drain();
}

void Connection::Drain() {
  transport_.ShutdownWrite();
  leftover_ = std::string();
  parser_.Reset();
  state_ = State::kDraining;
  deadline_ns_ = host_->now_ns() + Ns(kDrainTime);
}

void Connection::DrainInput() {
  size_t share = 0;
  while (readable_) {
    if (share >= kReadShareBytes) {
      host_->Yield(id_);
      return;
    }
    const IoResult result = transport_.Read(host_->scratch(), kScratchBytes);
    if (result.state == IoState::kBlocked) {
      readable_ = false;
      return;
    }
    if (result.state != IoState::kOk) {
      Close();
      return;
    }
    share += result.bytes;
  }
}

void Connection::Close() {
  EndExchange();
  state_ = State::kClosed;
}

void Connection::StartWindow(std::chrono::milliseconds length, uint64_t bytes_now) {
  window_ = {.end_ns = host_->now_ns() + Ns(length), .bytes_at_start = bytes_now};
}

void Connection::CheckDeadlines() {
  const int64_t now = host_->now_ns();
  switch (state_) {
    case State::kHandshake:
    case State::kDraining:
      if (now >= deadline_ns_) Close();
      return;
    case State::kReading:
      CheckReadDeadline(now);
      return;
    case State::kBusy:
      CheckBusyDeadline(now);
      return;
    case State::kWriting:
    case State::kPushing:
      CheckWriteDeadline(now);
      return;
    case State::kClosed:
      return;
  }
}

void Connection::CheckReadDeadline(int64_t now) {
  if (now >= deadline_ns_) {
    if (request_begun_) {
      Answer(408, "");
      Progress();
    } else {
      Close();
    }
    return;
  }
  if (parser_.state() != RequestParser::State::kBody || now < window_.end_ns) return;
  const Timeouts& timeouts = shared_->options.timeouts;
  const uint64_t bytes = parser_.body().size();
  if (bytes - window_.bytes_at_start < timeouts.body_min_bytes) {
    Answer(408, "");
    Progress();
    return;
  }
  StartWindow(timeouts.body_progress, bytes);
}

void Connection::CheckBusyDeadline(int64_t now) {
  if (exchange_->finished()) {
    // Answered while we were not looking; the idle time starts now.
    TakeBack();
    Progress();
    return;
  }
  if (!queued_first_ || now < deadline_ns_) return;
  queued_first_ = false;
  if (!exchange_->Withdraw()) return;  // It has just started.
  SendBusy();
  Progress();
}

void Connection::CheckWriteDeadline(int64_t now) {
  if (now < window_.end_ns) return;
  const Timeouts& timeouts = shared_->options.timeouts;
  const uint64_t bytes = output_.taken_bytes();
  const bool waiting = output_.pending_bytes() > 0;
  if (waiting && bytes - window_.bytes_at_start < timeouts.write_min_bytes) {
    Close();
    return;
  }
  StartWindow(timeouts.write_progress, bytes);
}

void Connection::OnStopping() {
  if (state_ == State::kHandshake) Close();
  if (state_ == State::kReading && !request_begun_) Close();
  if (state_ == State::kBusy && exchange_->Watch()) {
    TakeBack();
    Progress();
  }
  if (state_ == State::kPushing) {
    exchange_->push()->Close();
    Progress();
  }
}

void Connection::Kill() {
  if (state_ == State::kBusy) {
    const bool ours = exchange_->Abandon() || exchange_->Watch();
    if (!ours) return;
  }
  Close();
}

}  // namespace deucalion::http
