namespace Bulkhead.Guests.Tests.Harness;

/// <summary>What a default handler wrote down about one exception or interrupt.</summary>
internal sealed class GuestEvent(ulong[] words)
{
    private const int FrameAt = 15;

    public int Vector => (int)words[FrameAt];

    public ulong ErrorCode => words[FrameAt + 1];

    public ulong Rip => words[FrameAt + 2];

    public ulong Cs => words[FrameAt + 3];

    public ulong Rflags => words[FrameAt + 4];

    public ulong Rsp => words[FrameAt + 5];

    public ulong Ss => words[FrameAt + 6];

    public ulong Cr2 => words[FrameAt + 7];

    /// <summary>The vCPU, by its task register.</summary>
    public int Vcpu => (int)(words[FrameAt + 8] - Layout.TssSelector) / 16;

    public ulong Rax => words[0];

    public ulong Rcx => words[1];

    public ulong Rdx => words[2];

    public ulong Rbx => words[3];

    public ulong Rbp => words[4];

    public ulong Rsi => words[5];

    public ulong Rdi => words[6];

    /// <summary>R8 to R15.</summary>
    public ulong R(int number) => words[number - 1];

    public override string ToString() =>
        $"vector {Vector} error {ErrorCode:x} at {Cs:x}:{Rip:x} flags {Rflags:x} stack {Ss:x}:{Rsp:x} cr2 {Cr2:x} "
        + $"rax {Rax:x} rcx {Rcx:x} rdx {Rdx:x} rbx {Rbx:x} rbp {Rbp:x} rsi {Rsi:x} rdi {Rdi:x} vcpu {Vcpu}";
}
