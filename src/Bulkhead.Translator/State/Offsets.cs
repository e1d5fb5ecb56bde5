using Bulkhead.X86.State;

namespace Bulkhead.Translator.State;

/// <summary>Byte offsets into <see cref="VcpuState"/> that emitted code uses; computed once from the struct itself.</summary>
internal static unsafe class Offsets
{
    internal static readonly int Gpr;
    internal static readonly int Ymm;
    internal static readonly int X87;
    internal static readonly int Mxcsr;
    internal static readonly int TscOffset;
    internal static readonly int TscAux;
    internal static readonly int Rflags;
    internal static readonly int Segments;
    internal static readonly int SegmentSize;
    internal static readonly int KernelGsBase;
    internal static readonly int Limit;
    internal static readonly int Count;
    internal static readonly int CountExit;
    internal static readonly int ReturnStackPointer;
    internal static readonly int SavedReturnStack;
    internal static readonly int Mode;
    internal static readonly int UserReturnStack;
    internal static readonly int Syscall;
    internal static readonly int SyscallTarget;
    internal static readonly int SyscallRflags;
    internal static readonly int SyscallFlags;
    internal static readonly int SyscallEvents;
    internal static readonly int Sysret;
    internal static readonly int HostStackPointer;
    internal static readonly int Answer;
    internal static readonly int Vcpu;
    internal static readonly int ResumeAddress;
    internal static readonly int Scratch0;
    internal static readonly int Scratch1;
    internal static readonly int CodeBase;
    internal static readonly int Temporary;
    internal static readonly int Borrowed;
    internal static readonly int StringSource;
    internal static readonly int StringSourceEnd;
    internal static readonly int StringTargetEnd;
    internal static readonly int StringCount;
    internal static readonly int SavedRax;
    internal static readonly int TrapAddress;
    internal static readonly int TrapVector;
    internal static readonly int Flags;
    internal static readonly int TrapFlags;
    internal static readonly int HostMxcsr;
    internal static readonly int InterruptFlag;
    internal static readonly int DirectionFlag;
    internal static readonly int InterruptWaits;
    internal static readonly int Activity;
    internal static readonly int Samples;
    internal static readonly int SlotsFilled;
    internal static readonly int Cr0;
    internal static readonly int Cr2;
    internal static readonly int Cr3;
    internal static readonly int Cr4;
    internal static readonly int CodeTlb;
    internal static readonly int PageSlots;
    internal static readonly int JumpCache;
    internal static readonly int CpuidTable;
    internal static readonly int Tlb;
    internal static readonly int Window;
    internal static readonly int WindowReads;
    internal static readonly int WindowWrites;

#pragma warning disable CA1810 // One probe object serves all fields.
    static Offsets()
    {
        // SAFETY: only addresses of fields are taken, but the compiler may probe them, so there is memory. OffsetsTests
        // asserts the alignments relied on.
        using Bulkhead.Host.Memory.PrivateMemory probe = new((ulong)sizeof(VcpuState));
        VcpuState* s = (VcpuState*)probe.Pointer;
        Registers* r = &s->Registers;
        Gpr = At(s, r->Gpr);
        Ymm = At(s, &r->Ymm);
        X87 = At(s, r->X87);
        Mxcsr = At(s, &r->Mxcsr);
        TscOffset = At(s, &r->TscOffset);
        TscAux = At(s, &r->TscAux);
        Rflags = At(s, &r->Rflags);
        Segments = At(s, &r->Segments);
        SegmentSize = sizeof(Segment);
        KernelGsBase = At(s, &r->KernelGsBase);
        Limit = At(s, &s->Limit);
        Count = At(s, &s->Count);
        CountExit = At(s, &s->CountExit);
        ReturnStackPointer = At(s, &s->ReturnStackPointer);
        SavedReturnStack = At(s, &s->SavedReturnStack);
        Mode = At(s, &s->Mode);
        UserReturnStack = At(s, &s->UserReturnStack);
        Syscall = At(s, &s->Syscall);
        SyscallTarget = At(s, &s->SyscallTarget);
        SyscallRflags = At(s, &s->SyscallRflags);
        SyscallFlags = At(s, &s->SyscallFlags);
        SyscallEvents = At(s, &s->SyscallEvents);
        Sysret = At(s, &s->Sysret);
        HostStackPointer = At(s, &s->HostStackPointer);
        Answer = At(s, &s->Answer);
        Vcpu = At(s, &s->Vcpu);
        ResumeAddress = At(s, &s->ResumeAddress);
        Scratch0 = At(s, &s->Scratch0);
        Scratch1 = At(s, &s->Scratch1);
        CodeBase = At(s, &s->CodeBase);
        Temporary = At(s, &s->Temporary);
        Borrowed = At(s, &s->Borrowed);
        StringSource = At(s, &s->StringSource);
        StringSourceEnd = At(s, &s->StringSourceEnd);
        StringTargetEnd = At(s, &s->StringTargetEnd);
        StringCount = At(s, &s->StringCount);
        SavedRax = At(s, &s->SavedRax);
        TrapAddress = At(s, &s->TrapAddress);
        TrapVector = At(s, &s->TrapVector);
        Flags = At(s, &s->Flags);
        TrapFlags = At(s, &s->TrapFlags);
        HostMxcsr = At(s, &s->HostMxcsr);
        InterruptFlag = At(s, &s->InterruptFlag);
        DirectionFlag = At(s, &s->DirectionFlag);
        SlotsFilled = At(s, &s->SlotsFilled);
        InterruptWaits = At(s, &s->InterruptWaits);
        Activity = At(s, &s->Activity);
        Samples = At(s, &s->Samples);
        Cr0 = At(s, &r->Cr0);
        Cr2 = At(s, &r->Cr2);
        Cr3 = At(s, &r->Cr3);
        Cr4 = At(s, &r->Cr4);
        CodeTlb = At(s, &s->CodeTlb);
        PageSlots = At(s, &s->PageSlots);
        JumpCache = At(s, &s->JumpCache);
        CpuidTable = At(s, &s->CpuidTable);
        Tlb = At(s, &s->Tlb);
        Window = At(s, &s->Window);
        WindowReads = At(s, &s->WindowReads);
        WindowWrites = At(s, &s->WindowWrites);
    }
#pragma warning restore CA1810

    /// <summary>The offset of a guest general register.</summary>
    internal static int GprOf(int guest) => Gpr + (guest * 8);

    /// <summary>The offset of a segment's hidden base.</summary>
    internal static int SegmentBase(int segment) => Segments + (segment * SegmentSize);

    /// <summary>The offset of a segment's selector.</summary>
    internal static int SegmentSelector(int segment) => Segments + (segment * SegmentSize) + 16;

    private static int At(VcpuState* state, void* field) => (int)((byte*)field - (byte*)state);
}
