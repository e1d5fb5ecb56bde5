using Bulkhead.Core.Memory;
using Bulkhead.Guests.Tests.Harness;
using Bulkhead.Host.Memory;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Sharing;

/// <summary>Memory shared with another domain, which stands at a physical address of its own and changes unseen.</summary>
public sealed class SharedMemoryTests : IDisposable
{
    private const ulong Window = 1ul << 44;
    private const ulong Elsewhere = 1ul << 43;
    private const ulong Result = Layout.Data;
    private readonly SharedMemory _shared = SharedMemory.Create("shared", 16384);
    private readonly GuestMemory _other; // as the other domain has it

    public SharedMemoryTests()
    {
        _other = new GuestMemory("other", 1 << 20, (_shared, false));
        _other.Shared[0].Place(Window);
    }

    public void Dispose()
    {
        _other.Dispose();
        _shared.Dispose();
    }

    [Theory]
    [EngineSettings]
    public void ReadsAndWrites_OfEveryKind_ReachIt(string engine)
    {
        using Guest guest = New(engine, readOnly: false);
        guest.Long(a =>
        {
            a.mov(rbx, Layout.Own);
            a.mov(__dword_ptr[rbx], 0x1234_5678);
            a.@lock.add(__dword_ptr[rbx], 1);
            a.movdqu(xmm0, __xmmword_ptr[rbx]);
            a.movdqu(__xmmword_ptr[rbx + 4096 - 8], xmm0); // over a page's end
            a.mov(rsi, rbx);
            a.lea(rdi, __[rbx + 8192]);
            a.mov(ecx, 512);
            a.rep.movsq();
            a.mov(eax, __dword_ptr[rbx + 8192]);
            a.mov(__dword_ptr[Result], eax);
            guest.Exit();
        });

        Assert.Equal(0x1234_5679ul, guest.Read(Result));
        Assert.Equal(0x1234_5679ul, At(0) & 0xFFFF_FFFF);
        Assert.Equal(0x1234_5679ul, At(4096 - 8) & 0xFFFF_FFFF);
        Assert.Equal(At(0), At(8192));
    }

    [Theory]
    [EngineSettings]
    public void ReadOnly_IsReadAndKeepsWhatItHolds(string engine)
    {
        using Guest guest = New(engine, readOnly: true);
        Put(8, 77);
        guest.Long(a =>
        {
            a.mov(rbx, Layout.Own);
            a.mov(eax, __dword_ptr[rbx + 8]);
            a.mov(__dword_ptr[Result], eax);
            a.mov(__dword_ptr[rbx + 8], 1);
            a.@lock.inc(__dword_ptr[rbx + 8]);
            a.push(rax);
            a.pop(__qword_ptr[rbx + 8]);
            a.movdqu(__xmmword_ptr[rbx + 4096 - 8], xmm0);
            a.lea(rdi, __[rbx]);
            a.mov(ecx, 1024);
            a.rep.stosq();
            a.mov(eax, __dword_ptr[rbx + 8]);
            a.mov(__dword_ptr[Result + 8], eax);
            guest.Exit();
        });

        Assert.Equal((77ul, 77ul), (guest.Read(Result), guest.Read(Result + 8)));
        Assert.Equal((0ul, 77ul), (At(0), At(8)));
    }

    // An address is written to, leads to the window without a flush, is read in a way that looks at the page tables again, and is written to:
    // the write may go to the old page, and none may go to one that takes no writes.
    [Theory]
    [EngineSettings]
    public void ReadOnly_WhereSomethingWritableWas_IsNotWritten(string engine)
    {
        foreach (bool breakpoint in new[] { false, true })
        {
            using SharedMemory before = SharedMemory.Create("before", 4096);
            using Guest guest = new(engine, 1, (before, false), (_shared, true));
            guest.Memory.Shared[0].Place(Elsewhere);
            guest.Memory.Shared[1].Place(Window);
            guest.Pages.Map(Layout.Own, breakpoint ? Layout.Free : Elsewhere, PageBits.Kernel | PageBits.A | PageBits.D);
            guest.Long(a =>
            {
                Label loop = a.CreateLabel();
                a.mov(rbx, Layout.Own);
                a.mov(r12d, 5);
                a.Label(ref loop);
                a.mov(__qword_ptr[rbx], 1);
                a.mov(rcx, Window | (ulong)(PageBits.Kernel | PageBits.A | PageBits.D));
                a.mov(rdx, guest.Pages.EntryAddress(Layout.Own, 12));
                a.mov(__[rdx], rcx);
                if (breakpoint)
                {
                    a.xor(eax, eax);
                    a.mov(dr0, rax);
                    a.mov(eax, 0x1_0402);
                    a.mov(dr7, rax);
                    a.mov(rcx, __[rbx]);
                    a.mov(eax, 0x400);
                    a.mov(dr7, rax);
                }
                else
                {
                    a.verr(__word_ptr[rbx]);
                }

                a.mov(__qword_ptr[rbx], 2);
                a.dec(r12d);
                a.jne(loop);
                guest.Exit();
            });

            Assert.Equal(0ul, At(0));
        }
    }

    [Theory]
    [EngineSettings]
    public void Code_ChangedByTheOtherSide_IsNeverTheOldOne(string engine)
    {
        using Guest guest = New(engine, readOnly: false);
        Put(0, 0xC3_0000_0001_B8); // MOV EAX, 1; RET
        guest.Device.OnWrite = (_, value) => Put(0, 0xC3_0000_0000_B8 | (value << 8));
        guest.Long(a =>
        {
            Label next = a.CreateLabel();
            a.mov(rbx, Layout.Own);
            a.mov(r12, Layout.Device);
            a.mov(ebp, 1);
            a.Label(ref next);
            a.call(rbx);
            a.cmp(eax, ebp);
            a.setne(al);
            a.or(__byte_ptr[Result], al);
            a.inc(ebp);
            a.mov(__dword_ptr[r12], ebp); // the other side is asked to change it
            a.cmp(ebp, 100);
            a.jb(next);
            guest.Exit();
        });

        Assert.Equal(0ul, guest.Read(Result));
    }

    [Theory]
    [EngineSettings]
    public void Window_Moved_IsFoundWhereItIsNow(string engine)
    {
        using Guest guest = New(engine, readOnly: false);
        guest.Pages.Map(Layout.Own + 0x10_0000, Elsewhere, PageBits.Kernel);
        guest.Device.OnWrite = (_, value) => guest.Memory.Shared[0].Place(value == 1 ? Elsewhere : value == 2 ? null : Window);
        guest.Long(a =>
        {
            a.mov(rbx, Layout.Own);
            a.mov(r12, Layout.Device);
            a.mov(__dword_ptr[rbx], 5);
            a.mov(__dword_ptr[r12], 1);
            a.mov(eax, __dword_ptr[rbx]); // nothing: all ones
            a.mov(__dword_ptr[Result], eax);
            a.mov(eax, __dword_ptr[rbx + 0x10_0000]);
            a.mov(__dword_ptr[Result + 4], eax);
            a.mov(__dword_ptr[rbx + 0x10_0000], 6);
            a.mov(__dword_ptr[r12], 2);
            a.mov(__dword_ptr[rbx + 0x10_0000], 7); // into nothing
            a.mov(__dword_ptr[r12], 3);
            a.mov(eax, __dword_ptr[rbx]);
            a.mov(__dword_ptr[Result + 8], eax);
            guest.Exit();
        });

        Assert.Equal(0x5_FFFF_FFFFul, guest.Read(Result));
        Assert.Equal(6ul, guest.Read(Result + 8));
    }

    private Guest New(string engine, bool readOnly)
    {
        var guest = new Guest(engine, shared: [(_shared, readOnly)]);
        guest.Memory.Shared[0].Place(Window);
        for (ulong page = 0; page < 16384; page += 4096)
        {
            guest.Pages.Map(Layout.Own + page, Window + page, PageBits.Kernel);
        }

        return guest;
    }

    private ulong At(ulong offset)
    {
        Assert.True(_other.TryReadUInt64(new Gpa(Window + offset), out ulong value));
        return value;
    }

    private void Put(ulong offset, ulong value) => Assert.True(_other.TryWriteUInt64(new Gpa(Window + offset), value));
}
