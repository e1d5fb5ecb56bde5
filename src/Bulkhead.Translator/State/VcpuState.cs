using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.X86.State;

namespace Bulkhead.Translator.State;

/// <summary>Everything translated code reaches through GS: the architectural state, then the engine's own.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread, but for <see cref="Limit"/> and the tables' tags, which others may overwrite
/// with "nothing" values.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VcpuState
{
    /// <summary>Entries per view of the data TLB.</summary>
    internal const int TlbEntries = 1 << 14;

    /// <summary>Sets per view of the jump cache.</summary>
    internal const int JumpSets = 4096;

    /// <summary>Entries of a set, the last one filled first.</summary>
    internal const int JumpWays = 2;

    /// <summary>Slots of the code TLB.</summary>
    internal const int CodeSlots = Views * CodeSlotsPerView;

    /// <summary>Slots of a view, so that none takes another's; user code's first.</summary>
    internal const int CodeSlotsPerView = 4096;

    /// <summary>Pages of the window.</summary>
    internal const int WindowPages = 1 << 20;

    /// <summary>Views: user, supervisor, supervisor that may touch user pages.</summary>
    internal const int Views = 3;

    /// <summary>Page slots per view.</summary>
    internal const int PageSlotsPerView = 256;

    /// <summary>Entries of what CPUID answered.</summary>
    internal const int CpuidEntries = 128;

    /// <summary>The code TLB slot of an instruction pointer, as it lies in pages.</summary>
    internal static int SlotOf(ulong rip, int view) => ((int)(rip >> 12) & (CodeSlotsPerView - 1)) + (view * CodeSlotsPerView);

    /// <summary>What user code's slots are found with: bits of an offset in bytes.</summary>
    internal const int UserSlotMask = (CodeSlotsPerView - 1) * sizeof(ulong);

    /// <summary>What a slot holds: a page's address and id. Ids are below 2^24 and no multiple of 4,096 nor one less, so that the sum tells
    /// both, and its lower half is neither 0 nor all ones.</summary>
    internal static ulong SlotValue(ulong rip, uint id) => (rip & ~0xFFFul) + id;

    /// <summary>Per view: the data TLB. First, so that user code's checks name its fields in a byte.</summary>
    internal TlbArray Tlb;

    internal Registers Registers;

    /// <summary>Translated code leaves at its next check when its stack pointer is below this: the bound of the return
    /// stack, or all ones to kick.</summary>
    internal ulong Limit;

    /// <summary>Non-zero: the turn is over. Stands right after <see cref="Limit"/>: a turn timer's signal handler writes both, and the next.</summary>
    internal int TurnEnded;

    /// <summary>The host's TSC when the turn's end was asked for.</summary>
    internal ulong TurnEndTsc;

    /// <summary>Per view two bytes: non-zero when a page slot was filled, with a page that is not global and with one that is.</summary>
    internal ulong SlotsFilled;

    /// <summary>Instructions begun, where they are counted.</summary>
    internal ulong Count;

    /// <summary>Translated code leaves at its next check when <see cref="Count"/> has reached this.</summary>
    internal ulong CountExit;

    /// <summary>The stack pointer translated code runs on, while it does not.</summary>
    internal ulong ReturnStackPointer;

    /// <summary>The thread's own stack pointer, while translated code runs.</summary>
    internal ulong HostStackPointer;

    /// <summary>int(<see cref="Vcpu"/>): asked where translated code leaves in the middle of an instruction; 0: it leaves for good. 0: nobody is asked.</summary>
    internal ulong Answer;

    /// <summary>The vCPU's handle.</summary>
    internal nint Vcpu;

    /// <summary>Where the return stack ended when the view last changed: what was called in one view does not return into the other.</summary>
    internal ulong SavedReturnStack;

    /// <summary>Where translated code goes on, or where it left.</summary>
    internal ulong ResumeAddress;

    /// <summary>Host r10 at the border: an address, a target, a guest RIP.</summary>
    internal ulong Scratch0;

    /// <summary>Host r11 at the border: why translated code left (<see cref="Emit.ExitCode"/>).</summary>
    internal ulong Scratch1;

    /// <summary>Where the page stands, as the guest sees it, whose position-independent code runs.</summary>
    internal ulong CodeBase;

    /// <summary>Keeps a value over a short sequence of emitted code.</summary>
    internal ulong Temporary;

    /// <summary>Keeps a borrowed register over one instruction.</summary>
    internal ulong Borrowed;

    /// <summary>Over a repeated string instruction: the source's host address.</summary>
    internal ulong StringSource;

    /// <summary>Likewise: RSI after this page.</summary>
    internal ulong StringSourceEnd;

    /// <summary>Likewise: RDI after this page.</summary>
    internal ulong StringTargetEnd;

    /// <summary>Likewise: RCX after this page.</summary>
    internal ulong StringCount;

    /// <summary>Where the sampling signal's handler writes (<see cref="SampleRing"/>), or 0.</summary>
    internal ulong Samples;

    /// <summary>The host address of user code's window.</summary>
    internal ulong Window;

    /// <summary>Keeps RAX while flags are restored with no scratch register free.</summary>
    internal ulong SavedRax;

    /// <summary>The host address of an instruction that trapped.</summary>
    internal ulong TrapAddress;

    /// <summary>The trap's vector.</summary>
    internal ulong TrapVector;

    /// <summary>The mode word (<see cref="Decode.ModeWord"/>), which emitted code may change.</summary>
    internal ulong Mode;

    /// <summary>The stack pointer translated user code goes on with after a system call.</summary>
    internal ulong UserReturnStack;

    /// <summary>What SYSCALL does here.</summary>
    internal Crossing Syscall;

    /// <summary>Where it leads.</summary>
    internal ulong SyscallTarget;

    /// <summary>What it leaves of RFLAGS.</summary>
    internal ulong SyscallRflags;

    /// <summary>What it leaves of <see cref="Flags"/>.</summary>
    internal uint SyscallFlags;

    /// <summary>What it leaves of <see cref="InterruptFlag"/> and the three bytes behind it.</summary>
    internal uint SyscallEvents;

    /// <summary>What SYSRET does here.</summary>
    internal Crossing Sysret;

    /// <summary>Status flags: AL = OF, AH = as LAHF gives. Emitted code writes it together with the next, in four bytes.</summary>
    internal ushort Flags;

    /// <summary>Host flags at a trap, same format.</summary>
    internal ushort TrapFlags;

    /// <summary>The runtime's MXCSR.</summary>
    internal uint HostMxcsr;

    /// <summary>EFLAGS.IF as 0 or 1, the first of four bytes that emitted code changes at once; the copy in <see cref="Registers.Rflags"/> is stale while translated code runs.</summary>
    internal byte InterruptFlag;

    /// <summary>EFLAGS.DF as 0 or 1, likewise.</summary>
    internal byte DirectionFlag;

    /// <summary>Non-zero: an interrupt waits for EFLAGS.IF; whoever sets it must have the vCPU look.</summary>
    internal byte InterruptWaits;

    /// <summary>What the thread does for the vCPU (<see cref="X86.Engine.VcpuActivity"/>).</summary>
    internal byte Activity;

    /// <summary>Non-zero from just before translated code is entered until just after it is left.</summary>
    internal int InGuest;

    private Padding _padding;

    /// <summary>Operands that have no host address (MMIO, page crossings) pass through here. It stands at a multiple of 64 bytes, which what
    /// stands before it has to make up: a test tells.</summary>
    internal BounceBuffer Bounce;

    /// <summary>Recently entered code pages, by <see cref="SlotOf"/>: <see cref="SlotValue"/>, or 0.</summary>
    internal CodeSlotArray CodeTlb;

    /// <summary>Per view: the pages that kinds of memory operands used last.</summary>
    internal PageSlotArray PageSlots;

    /// <summary>Per view: guest target and host entry.</summary>
    internal JumpArray JumpCache;

    /// <summary>What CPUID answered, by <see cref="Emit.Thunks.CpuidIndex"/>.</summary>
    internal CpuidArray CpuidTable;

    /// <summary>The pages of user code's window that may be read (<see cref="Memory.PageWindows"/>): by bits 12-31 of an address the page's
    /// address, or one that is not of that place.</summary>
    internal WindowArray WindowReads;

    /// <summary>Likewise: that may be written.</summary>
    internal WindowArray WindowWrites;

    /// <summary>A change of privilege as it was made last, for emitted code to make again.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Crossing
    {
        /// <summary>The mode it is made from; <see cref="None"/>: the interpreter makes it.</summary>
        internal ulong From;

        /// <summary>The same of code that looks for its operands in a window.</summary>
        internal ulong FromWindowed;

        /// <summary>The mode it leads to.</summary>
        internal ulong To;

        internal Segment Cs;
        internal Segment Ss;

        /// <summary>Of no mode.</summary>
        internal const ulong None = ulong.MaxValue;
    }

    /// <summary>One entry of the data TLB. Address + tag arithmetic: see <see cref="Emit.BlockEmitter"/>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TlbEntry
    {
        internal ulong ReadTag;
        internal ulong WriteTag;
        internal ulong Host;

        /// <summary>Twice the RAM page it leads to; odd: from a global page, which survives a write of CR3.</summary>
        internal uint Leads;

        /// <summary>So often may code that looks in the window first still find the page here.</summary>
        internal int Patience;

        /// <summary>The RAM page it leads to.</summary>
        internal readonly int RamPage => (int)(Leads >> 1);

        /// <summary>Whether it is from a global page.</summary>
        internal readonly bool Global => (Leads & 1) != 0;
    }

    /// <summary>A page used last by reads, and one by writes. No guest may meet an empty slot's tag, but if it does, its host
    /// address is as little canonical as its own, and #GP is what it gets.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PageSlot
    {
        internal const ulong Nothing = 1ul << 62;

        internal ulong ReadTag;
        internal ulong ReadHost;
        internal ulong WriteTag;
        internal ulong WriteHost;
    }

    /// <summary>One entry of the jump cache.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct JumpEntry
    {
        internal ulong Target;
        internal ulong Entry;
    }

    /// <summary>What CPUID answered to a leaf and a subleaf.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    internal struct CpuidEntry
    {
        internal uint Leaf;
        internal uint Subleaf;
        internal uint Eax;
        internal uint Ebx;
        internal uint Ecx;
        internal uint Edx;

        /// <summary>A leaf that no processor has: where it and its subleaf stand in an empty entry, the answer is what it is asked to be, 0.</summary>
        internal const uint NoLeaf = uint.MaxValue;
    }

    [InlineArray(40)]
    private struct Padding
    {
        private byte _first;
    }

    [InlineArray(192)]
    internal struct BounceBuffer
    {
        private byte _first;
    }

    [InlineArray(CodeSlots)]
    internal struct CodeSlotArray
    {
        private ulong _first;
    }

    [InlineArray(PageSlotsPerView * Views)]
    internal struct PageSlotArray
    {
        private PageSlot _first;
    }

    [InlineArray(JumpSets * JumpWays * Views)]
    internal struct JumpArray
    {
        private JumpEntry _first;
    }

    [InlineArray(CpuidEntries)]
    internal struct CpuidArray
    {
        private CpuidEntry _first;
    }

    [InlineArray(WindowPages)]
    internal struct WindowArray
    {
        private ulong _first;
    }

    [InlineArray(TlbEntries * Views)]
    internal struct TlbArray
    {
        private TlbEntry _first;
    }
}
