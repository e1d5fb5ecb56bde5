using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>What holds for rings of every kind.</summary>
public sealed class RingTests : IDisposable
{
    private readonly EchoDevice _device = new(new ImmediateExecutor(), new ImmediateExecutor());
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;

    public RingTests()
    {
        _rig = new VirtioRig(_device, 32 << 20);
        _driver = new VirtioDriver(_rig);
    }

    public void Dispose() => _rig.Dispose();

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void Buffers_ManyTimesAroundTheRing_ComeBackInOrderWithWhatWasWritten(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables, eventIndex, inOrder));
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            var waiting = new Queue<(int Id, byte[] Sent, Gpa To)>();
            int batch = random.Next(1, 5);
            for (int i = 0; i < batch; i++)
            {
                byte[] sent = new byte[random.Next(1, 300)];
                random.NextBytes(sent);
                Gpa from = _rig.Ram.Put(sent);
                Gpa to = _rig.Ram.Take(512);
                uint cut = (uint)random.Next(0, sent.Length + 1);
                waiting.Enqueue((
                    queue.Add(
                        new Piece(from, cut, false), new Piece(from + cut, (uint)sent.Length - cut, false),
                        new Piece(to, 100, true), new Piece(to + 100, 412, true)),
                    sent, to));
            }

            queue.AskInterrupt();
            Assert.True(queue.MustNotify());
            _driver.Notify(0);
            while (waiting.TryDequeue(out (int Id, byte[] Sent, Gpa To) one))
            {
                Assert.Equal(new UsedBuffer(one.Id, (uint)one.Sent.Length), queue.Take());
                Assert.Equal(one.Sent, _rig.Ram.Read(one.To, one.Sent.Length));
            }

            Assert.Null(queue.Take());
        }

        Assert.False(_driver.NeedsReset);
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void FullRing_OfSingleDescriptors_IsServedWhole(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables, eventIndex, inOrder));
        for (int round = 0; round < 5; round++)
        {
            for (int i = 0; i < queue.Size; i++)
            {
                queue.Add(new Piece(_rig.Ram.Take(16), 16, true));
            }

            _driver.Notify(0);
            for (int i = 0; i < queue.Size; i++)
            {
                Assert.NotNull(queue.Take());
            }
        }

        Assert.Equal(5 * queue.Size, _device.Served);
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void Interrupts_WhereRefused_AreNotSent(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        _driver.UseMsix(3);
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables, eventIndex, inOrder), vector: 1);
        queue.RefuseInterrupts();
        Send(queue);
        Assert.Empty(_rig.Messages.Take());

        queue.AskInterrupt();
        Send(queue);
        Assert.Equal([VirtioDriver.FirstMessage + 1], _rig.Messages.Take());
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 3)]
    [InlineData(true, 0)]
    [InlineData(true, 3)]
    [InlineData(true, 15)]
    public void S2_7_7_2_EventIndex_IsInterruptedAtTheBufferAskedFor(bool packed, int later)
    {
        _driver.UseMsix(3);
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: true, eventIndex: true), vector: 1);
        for (int round = 0; round < 40; round++)
        {
            queue.AskInterrupt(later);
            for (int i = 0; i < later; i++)
            {
                Send(queue, take: false);
            }

            Assert.Empty(_rig.Messages.Take());
            Send(queue, take: false);
            Assert.Equal([VirtioDriver.FirstMessage + 1], _rig.Messages.Take());
            for (int i = 0; i <= later; i++)
            {
                Assert.NotNull(queue.Take());
            }
        }
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void S2_7_10_2_Notifications_AreAskedForAgainWhenIdle_AndSpuriousOnesDoNothing(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables, eventIndex, inOrder));
        for (int round = 0; round < 50; round++)
        {
            queue.Add(new Piece(_rig.Ram.Take(16), 16, true));
            Assert.True(queue.MustNotify());
            _driver.Notify(0);
            _driver.Notify(0);
            _driver.Notify(1);
            _driver.Notify(0);
            Assert.NotNull(queue.Take());
            Assert.Null(queue.Take());
        }

        Assert.Equal(50, _device.Served);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void S2_7_4_1_MessageFraming_AnyArrangementOfDescriptorsIsTheSameMessage(bool packed)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: true, eventIndex: false));
        byte[] sent = [.. Enumerable.Range(0, 64).Select(static i => (byte)i)];
        Gpa from = _rig.Ram.Put(sent);
        Gpa to = _rig.Ram.Take(64);
        var pieces = new List<Piece> { new(from, 0, false) };
        pieces.AddRange(Enumerable.Range(0, 64).Select(i => new Piece(from + (ulong)i, 1, false)));
        pieces.Add(new Piece(to, 0, true));
        pieces.AddRange(Enumerable.Range(0, 64).Select(i => new Piece(to + (ulong)i, 1, true)));
        pieces.Add(new Piece(to, 0, true));
        queue.Add([.. pieces]);
        _driver.Notify(0);

        Assert.Equal(64u, queue.Take()?.Written);
        Assert.Equal(sent, _rig.Ram.Read(to, 64));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void S2_7_5_1_Device_WritesNeitherReadableBuffersNorDescriptorTables(bool packed)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: false, eventIndex: false));
        byte[] sent = [1, 2, 3, 4];
        Gpa from = _rig.Ram.Put(sent);
        Gpa to = _rig.Ram.Take(64);
        queue.Add(new Piece(from, 4, false), new Piece(to, 64, true));
        byte[] table = _rig.Ram.Read(queue.Descriptors, 16 * queue.Size);
        _driver.Notify(0);

        Assert.Equal(sent, _rig.Ram.Read(from, 4));
        Assert.Equal(new byte[60], _rig.Ram.Read(to + 4, 60));
        byte[] after = _rig.Ram.Read(queue.Descriptors, 16 * queue.Size);
        int first = packed ? 16 : 0; // the place of the used descriptor
        Assert.Equal(table[first..], after[first..]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Queues_AreServedApart(bool packed)
    {
        Assert.True(_driver.Negotiate(RingKinds.Features(packed, tables: false, eventIndex: false)));
        DriverQueue first = _driver.Open(0, 4);
        DriverQueue second = _driver.Open(1, 8);
        _driver.Ready();
        first.Add(new Piece(_rig.Ram.Take(8), 8, true));
        second.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(1);

        Assert.Null(first.Take());
        Assert.NotNull(second.Take());
    }

    private void Send(DriverQueue queue, bool take = true)
    {
        Gpa at = _rig.Ram.Take(16);
        queue.Add(new Piece(at, 8, false), new Piece(at + 8, 8, true));
        _driver.Notify(0);
        if (take)
        {
            Assert.NotNull(queue.Take());
        }
    }
}
