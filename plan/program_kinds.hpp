#pragma once
// What a Program is made of: ids of its tables, and the kinds of steps, streams and buffers.

#include <cstdint>
#include <string_view>

namespace tandem {

enum class StepId : std::uint32_t {};
enum class StreamId : std::uint32_t {};
enum class WorkerId : std::uint32_t {};
enum class WorkId : std::uint32_t {};
enum class MessageId : std::uint32_t {};
enum class ChannelId : std::uint32_t {};
enum class BufferId : std::uint32_t {};
enum class BufferSpecId : std::uint32_t {};
enum class SegmentId : std::uint32_t {};
enum class CollectiveSpecId : std::uint32_t {};
enum class CollectiveId : std::uint32_t {};
enum class CopySpecId : std::uint32_t {};

enum class StepKind : std::uint8_t {
  zero_gradients,   ///< start of the iteration: gradients = 0
  forward,          ///< F of a segment
  backward,         ///< B: I and W of a segment, layer by layer
  input_gradient,   ///< I alone
  weight_gradient,  ///< W alone
  recompute,        ///< R: values that backward needs and forward did not keep, computed again
  add_gradient,     ///< sums the gradients of the uses of a tied parameter
  update,           ///< the optimizer
  settle,           ///< first or last of an iteration: no work, but where copies find room, or what they left is freed
  own_block,        ///< the rank's own block of weights, to where those of all ranks are gathered
  send,
  receive,
  collective,       ///< one worker's part of a collective: all its rounds
  copy_out,         ///< from the device's memory to the host's
  copy_in,          ///< and back
};
std::string_view name_of(StepKind kind);
constexpr bool is_message_end(StepKind kind) { return kind == StepKind::send || kind == StepKind::receive; }
constexpr bool is_compute(StepKind kind) { return kind < StepKind::send; }
constexpr bool is_copy(StepKind kind) { return kind >= StepKind::copy_out; }

/// Collectives of activations and their gradients have a stream per mesh axis; those of parameters' gradients one, and
/// those of weights another.
enum class StreamKind : std::uint8_t {
  compute, send_forward, receive_forward, send_backward, receive_backward, send_gradient, receive_gradient,
  data, height, width, tensor, reduce_gradients, gather_weights, copy_out, copy_in,
  host,  ///< what the host's cores compute for the worker
};
std::string_view name_of(StreamKind kind);
inline constexpr std::size_t kStreamKinds = 16;

/// `host` lies in the memory of the host: counted by itself, and in no total of a device.
enum class BufferClass : std::uint8_t {
  weight, gradient, optimizer_state, activation, stash, workspace, message, host,
};
constexpr bool on_device(BufferClass kind) { return kind != BufferClass::host; }
std::string_view name_of(BufferClass kind);
inline constexpr std::size_t kBufferClasses = 8;

/// What a buffer holds, so how a kernel finds its tensors in it (Segment gives the offsets).
enum class BufferContent : std::uint8_t {
  weights, gradients, optimizer_state,
  inbox, outbox,                    ///< activations that cross the segment's first or last cut
  gradient_inbox, gradient_outbox,  ///< gradients that cross the last or the first cut
  saved,                            ///< kept from forward for backward
  workspace,                        ///< of one step
  tied_inbox,                       ///< the other use's gradient of a tied parameter
  saved_for_input,                  ///< kept from forward for I alone
  deferred,                         ///< from I for W
  new_weights,                      ///< what an update writes, where the version that it reads is still needed
  weight_shard, gradient_shard,     ///< the blocks that the rank owns, one after the other (ParameterRange::own)
};
inline constexpr std::size_t kBufferContents = 15;

enum class Access : std::uint8_t { read, write, read_write };

}  // namespace tandem
