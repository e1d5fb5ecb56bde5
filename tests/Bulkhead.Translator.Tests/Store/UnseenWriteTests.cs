using Bulkhead.Core.Memory;
using Bulkhead.Translator.Store;
using Bulkhead.Translator.Tests.Differential;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Store;

/// <summary>A page of code whose bytes change without a store: it is a page table too, whose entries' accessed bits the processor sets.</summary>
public sealed class UnseenWriteTests : IDisposable
{
    private const ulong Code = 0x1_0000;
    private const ulong Entry = Code + 0x800;

    private readonly string _directory = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    // One domain has the entry at 0x800 used, and so made AND of the ADD there is; what it then runs must not be another's, whose page is as
    // it was.
    [Fact]
    public void Run_AnotherOfTheSameBytesChangedThemUnseen_ExecutesItsOwn()
    {
        using CodeStore store = CodeStore.Open(Path.Combine(_directory, "a.code"), "test", Random.Shared.NextBytes, keepsLittle: true);
        Assert.Equal([0], Run(store, Code));
        Assert.Equal([0x80A0], Run(store, Entry));
        Assert.Equal([0x80A0], Run(store, Entry));
    }

    [Fact]
    public void Run_TranslatedBeforeItsAccessedBitWasSet_IsTranslatedAgain() =>
        Assert.Equal(0, Run(null, Entry, Code, Entry)[2]);

    /// <summary>Runs from each address in turn; returns EAX after each.</summary>
    private static unsafe int[] Run(CodeStore? store, params ulong[] from)
    {
        using var memory = new GuestMemory("x", 6 << 20);
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.Host, 1, 0);
        using var engine = new TranslatorEngine(memory, policy, EngineOptions.Default, store);
        IVcpu vcpu = engine.CreateVcpu(policy);
        byte[] page = new byte[4096];
        ((byte[])[0x8B, 0x0C, 0x25, 0x00, 0x00, 0x30, 0x00, 0xE9, 0xF4, 0x07, 0x00, 0x00]).CopyTo(page, 0); // mov ecx, [0x300000]; jmp 0x800
        ((byte[])[0x05, 0xA0, 0, 0, 0, 0, 0, 0xF4]).CopyTo(page, 0x800); // add eax, 0xA0; add [rax], al; hlt
        Assert.True(memory.TryWrite(new Gpa(Code), page));
        WriteTables(memory);
        ref Registers r = ref vcpu.Registers;
        r.Cr0 = Cr0.PE | Cr0.MP | Cr0.ET | Cr0.NE | Cr0.WP | Cr0.PG;
        r.Cr3 = 0x1000;
        r.Cr4 = Cr4.PAE | Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.OSXSAVE;
        r.Efer = Efer.SCE | Efer.LME | Efer.Lma | Efer.NXE;
        r.Xcr0 = 7;
        r.Segments[(int)SegmentIndex.Cs] = new Segment { Selector = 0x10, Limit = uint.MaxValue, Access = 0xA09B };
        var data = new Segment { Selector = 0x18, Limit = uint.MaxValue, Access = 0xC093 };
        foreach (SegmentIndex index in (ReadOnlySpan<SegmentIndex>)[SegmentIndex.Ss, SegmentIndex.Ds, SegmentIndex.Es, SegmentIndex.Fs, SegmentIndex.Gs])
        {
            r.Segments[(int)index] = data;
        }

        int[] results = new int[from.Length];
        for (int i = 0; i < from.Length; i++)
        {
            r.Activity = (byte)ActivityState.Active;
            r.Rip = from[i];
            r.Gpr[0] = 0x8000;
            r.Rflags = Rflags.Fixed;
            Assert.Equal(StopReason.Halt, vcpu.Run(new GuestIo(), long.MaxValue));
            results[i] = (int)r.Gpr[0];
        }

        return results;
    }

    // The first 2 MiB as they are; the next by the entries in the page of code.
    private static void WriteTables(GuestMemory memory)
    {
        Assert.True(memory.TryWriteUInt64(new Gpa(0x1000), 0x2003));
        Assert.True(memory.TryWriteUInt64(new Gpa(0x2000), 0x3003));
        Assert.True(memory.TryWriteUInt64(new Gpa(0x3000), 0x83));
        Assert.True(memory.TryWriteUInt64(new Gpa(0x3008), Code | 7));
    }
}
