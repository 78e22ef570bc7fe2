#pragma once
// verify(Program): proves before any ride that the Program can run and means what it should.

#include "plan/program.hpp"

namespace tandem {

/// Checks: no cycle (stream order counted in, rendezvous of messages and collectives included); each message has its
/// two steps, in the same order at both ends, and buffers of its size; each collective has a step on every member, in
/// the same order on all, an algorithm that suits and a vector within its buffer; each copy moves a whole buffer between
/// device and host, and what is on the host was brought by one copy and is fetched by one; every buffer is allocated
/// and freed once, in the compute stream's order, written before it is read, and not used outside its life by any stream, nor
/// written by one while another uses it; every part of F and B (or I and W) of each segment runs once per micro-batch,
/// in order, F first, with one version of the weights that no update
/// changes between them.
/// Throws InputError naming the steps; a cycle is printed.
void verify(const Program& program);

/// A topological order of all steps: smallest id first among the ready ones; the steps of a message, or of a
/// collective, are adjacent.
/// Throws InputError with the cycle where there is none.
std::vector<StepId> topological_order(const Program& program);

}  // namespace tandem
